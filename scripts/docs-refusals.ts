/**
 * Writes docs/security.md from the inputs that test/gateway/refusals.test.ts sends to a real gateway, so that
 * what the page says is what the gateway answers.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Refusal, type Section, sections } from '../test/gateway/refusals.ts'

export const renderRefusals = (): string =>
  [introduction(sections), ...sections.map(renderSection), ending].join('\n')

const introduction = (all: readonly Section[]): string => {
  const inputs = all.flatMap(({ refusals }) => refusals)
  const rows = new Set(inputs.map(({ row }) => row.en))
  return `# 安全：什么输入得到什么回答 · Security: which input is answered how

这一页列出 ${rows.size} 类、${inputs.length} 个不该被接受（或者无害）的输入，以及网关的确切回答。每一个都在测试中发给真实的网关。
拒绝的正文是 RFC 9457 \`application/problem+json\`：\`code\` 是稳定的错误码，\`request_id\` 供查询，\`errors[]\` 用 JSON Pointer
指出位置。正文里没有堆栈，没有内部名字；5xx 不回显请求内容。每个回答都有 \`Date\` 头，可用来校准时钟。

This page lists ${inputs.length} inputs of ${rows.size} kinds that should not be taken (or do no harm), and the exact answer of the gateway.
A test sends every one of them to a real gateway. The body of a refusal is RFC 9457 \`application/problem+json\`: \`code\` is
stable and made for programs, \`request_id\` finds it again, \`errors[]\` names the place by JSON Pointer. It holds no stack and no
name of a part of ours, and a 5xx repeats nothing of the request. Every answer has a \`Date\`, so that a caller can set its clock.

检查的顺序 · The order of the checks: 大小与 HTTP 格式 size and framing → 地址是否被暂停 address held off →
时间戳与 nonce 的写法 shape of timestamp and nonce → 时间窗口 time window → 密钥与签名 key and signature →
nonce（签名正确才记录 stored only after a good signature）→ 权限 scope → JSON → 字段 fields → 幂等键 idempotency → 落盘 commit.

本页由 \`node scripts/docs-refusals.ts\` 生成，请勿手工修改。 This page is generated, do not edit it by hand.
`
}

const renderSection = ({ title, refusals }: Section): string =>
  [
    `## ${title.zh === title.en ? title.zh : `${title.zh} · ${title.en}`}`,
    '',
    '| 输入 · Input | 具体 · In particular | 状态 · Status | code |',
    '|---|---|---|---|',
    ...rowsOf(refusals).map(renderRow),
    '',
  ].join('\n')

type Row = readonly [Refusal, ...Refusal[]]

/** Inputs of one row of the table stand together; one row may have two answers. */
const rowsOf = (refusals: readonly Refusal[]): readonly Row[] =>
  Object.values(
    Object.groupBy(refusals, ({ row, status, code }) => `${row.en} ${status} ${code}`),
  ) as unknown as readonly Row[]

const renderRow = (row: Row): string => {
  const { row: words, status, code, closes } = row[0]
  const cells = [
    `${words.zh}<br>${words.en}`,
    row.map(({ name }) => name).join('; '),
    String(status),
    code === undefined ? harmless(row[0]) : `\`${code}\``,
  ]
  return `| ${cells.map(cellOf).join(' | ')}${closes ? ' 关闭连接 · connection closed' : ''} |`
}

const harmless = ({ answer }: Refusal): string =>
  answer === undefined ? '无害 · harmless' : `\`${JSON.stringify(answer)}\``

const cellOf = (text: string): string => text.replaceAll('|', '\\|').replaceAll('__', '\\_\\_')

const ending = `## 没有列出的 · What is not listed

签名比较用 \`timingSafeEqual\`，未知密钥也计算一次 HMAC，所以耗时不泄露密钥是否存在；这一点没有测试，只能读代码。
Signatures are compared with \`timingSafeEqual\`, and an unknown key costs an HMAC as well, so the time taken does not tell whether a
key exists. No test shows this; the code does.
`

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, '../docs/security.md'), renderRefusals())
}
