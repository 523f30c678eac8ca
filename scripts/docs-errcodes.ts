/**
 * Writes docs/errcodes.md from the table in src/errcodes.ts, so that the page people read and the
 * table the engine obeys cannot disagree. A test compares the two.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Bilingual,
  type Errcode,
  type ErrcodeAction,
  type ErrcodeClass,
  type ErrcodeScope,
  errcodes,
} from '../src/errcodes.ts'

export const renderErrcodes = (): string => {
  const pages = Object.entries(sections).map(([name, family]) =>
    renderFamily(
      name,
      family,
      [...errcodes.values()].filter((each) => each.class === name),
    ),
  )
  return [introduction(errcodes.size), ...pages].join('\n')
}

type Family = { readonly title: Bilingual; readonly about: Bilingual }

// The order of the sections. A class without an entry here does not compile.
const sections: Readonly<Record<ErrcodeClass, Family>> = {
  ok: {
    title: { zh: '已受理', en: 'Accepted' },
    about: { zh: '微信收下了消息。', en: 'WeChat took the message.' },
  },
  busy: {
    title: { zh: '系统繁忙', en: 'Busy' },
    about: {
      zh: '微信一侧的短暂故障，稍后重试。',
      en: 'A passing fault on the side of WeChat; tried again later.',
    },
  },
  token: {
    title: { zh: '凭证', en: 'Token' },
    about: {
      zh: 'access_token 或它的上游凭证失效，多数能自动修复。',
      en: 'The access_token, or what it is made from, is void; most of these heal by themselves.',
    },
  },
  config: {
    title: { zh: '账号配置', en: 'Configuration' },
    about: {
      zh: '账号的设置有误，需要有人去改。消息会等待，不会丢。',
      en: 'A setting of the account is wrong and somebody has to change it. The messages wait and are not lost.',
    },
  },
  recipient: {
    title: { zh: '接收者', en: 'Recipient' },
    about: {
      zh: '这位用户收不到，属于正常业务现象。',
      en: 'This user cannot be reached, which is part of everyday traffic.',
    },
  },
  rate: {
    title: { zh: '频率', en: 'Rate' },
    about: { zh: '发得太快，放慢即可。', en: 'Too fast; slowing down is enough.' },
  },
  quota: {
    title: { zh: '额度', en: 'Quota' },
    about: { zh: '额度用完，等待恢复。', en: 'The allowance is used up; the messages wait for the reset.' },
  },
  duplicate: {
    title: { zh: '重复', en: 'Duplicate' },
    about: { zh: '微信已经有这条消息。', en: 'WeChat has this message already.' },
  },
  template: {
    title: { zh: '模板', en: 'Template' },
    about: {
      zh: '模板或其跳转目标有问题，用它的消息都会失败。',
      en: 'The template, or where it leads, is at fault, and every message using it fails.',
    },
  },
  content: {
    title: { zh: '内容', en: 'Content' },
    about: { zh: '文案没有通过审查。', en: 'The text did not pass the review of WeChat.' },
  },
  parameter: {
    title: { zh: '参数', en: 'Parameter' },
    about: {
      zh: '这一条消息的数据不对，改好后可重新发送。',
      en: 'The data of this one message is wrong; corrected, it can be sent again.',
    },
  },
  permission: {
    title: { zh: '权限', en: 'Permission' },
    about: { zh: '账号或授权缺少所需的权限。', en: 'The account or its authorisation lacks a permission.' },
  },
  punish: {
    title: { zh: '处罚', en: 'Penalty' },
    about: {
      zh: '平台限制了账号或接口，先看公众平台的站内信。',
      en: 'The platform restricts the account or an API; read the letters in its console first.',
    },
  },
  retired: {
    title: { zh: '已下线的接口', en: 'Retired APIs' },
    about: { zh: '接口不再提供，需要迁移。', en: 'The API is gone and its users have to move.' },
  },
  protocol: {
    title: { zh: '协议', en: 'Protocol' },
    about: {
      zh: '请求本身不合规，是客户端或代理的缺陷。',
      en: 'The request itself is malformed: a fault in the client or in a proxy.',
    },
  },
  management: {
    title: { zh: '管理接口', en: 'Management' },
    about: {
      zh: '管理模板、授权或额度时的返回，不涉及排队中的消息。',
      en: 'Answers to calls that manage templates, authorisations or quotas; no queued message depends on them.',
    },
  },
}

const introduction = (count: number): string => `# 微信返回码 · WeChat return codes

微信接口的返回码一共收录 ${count} 个。鸿雁按这张表处理每一次调用的结果：表中写明它的含义、鸿雁会怎么做、接下来该做什么。
不在表中的返回码按「系统繁忙」有限次重试，并发出告警。

The ${count} codes of the WeChat API that Hongyan knows, what each one means, what Hongyan does about it, and what is left for you to do.
A code that is not listed is tried again a limited number of times, and an alert is raised.

返回码后的字母是含义的来源 · The letter after a code is the source of its meaning:
D 官方文档 official documentation · S 开源 SDK 的码表 a table in an SDK · C 开发者的经验 practitioners · I 我们的推断 our inference

本页由 \`node scripts/docs-errcodes.ts\` 生成，请勿手工修改。 This page is generated, do not edit it by hand.
`

const renderFamily = (name: string, { title, about }: Family, members: readonly Errcode[]): string =>
  [
    `## ${title.zh} · ${title.en} (\`${name}\`)`,
    '',
    `${about.zh} ${about.en}`,
    '',
    '| code | errmsg | 含义 · What it means | 鸿雁的处理 · What Hongyan does | 该做什么 · What to do |',
    '|---|---|---|---|---|',
    ...members.map(renderRow),
    '',
  ].join('\n')

const renderRow = (errcode: Errcode): string => {
  const cells = [
    `**${errcode.code}** ${errcode.source}`,
    `\`${errcode.errmsg}\``,
    bothLines(errcode.cause),
    bothLines(handling(errcode)),
    bothLines(errcode.next),
  ]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

const bothLines = ({ zh, en }: Bilingual): string => `${zh}<br>${en}`

const handling = (errcode: Errcode): Bilingual => {
  const sentences = [
    reactions[errcode.action](errcode),
    ...(errcode.action === 'drop' && errcode.class !== 'management' ? reach[errcode.scope] : []),
    ...(errcode.ambiguous ? [doubt] : []),
    ...(errcode.alert ? [alarm] : []),
  ]
  return {
    zh: sentences.map(({ zh }) => zh).join(''),
    en: sentences.map(({ en }) => en).join(' '),
  }
}

const reactions: Readonly<Record<ErrcodeAction, (errcode: Errcode) => Bilingual>> = {
  sent: () => ({ zh: '记为已发送，等待回执。', en: 'Records it as sent and waits for the receipt.' }),
  duplicate: () => ({
    zh: '若是自己的重试，视为已发送；否则判为失败，不再发。',
    en: 'Counts it as sent if the repeat is its own retry; otherwise it is final.',
  }),
  token: () => ({
    zh: '更新凭证后立即重发，仍失败则退避重试。',
    en: 'Renews the credential and sends again at once; failing that, tries again with growing pauses.',
  }),
  backoff: ({ waitMs }) =>
    waitMs === undefined
      ? {
          zh: '间隔逐渐加长，有限次重试。',
          en: 'Tries again with growing pauses, a limited number of times.',
        }
      : {
          zh: `${duration(waitMs).zh}后再试，次数有限。`,
          en: `Tries again after ${duration(waitMs).en}, a limited number of times.`,
        },
  slow: ({ waitMs }) => ({
    zh: `降低该接口的速度，${duration(waitMs).zh}后继续。`,
    en: `Slows this API down and goes on after ${duration(waitMs).en}.`,
  }),
  quota: () => ({
    zh: '该账号在这个接口上的消息等待额度恢复，届时仍有效的才发。',
    en: 'The messages of the account wait for the reset of this API and go out if they are still valid.',
  }),
  hold: ({ scope, waitMs }) =>
    scope === 'api'
      ? {
          zh: `暂停该账号在这个接口上的发送，每 ${duration(waitMs).zh}试探一次。`,
          en: `Holds the messages of the account for this API and probes every ${duration(waitMs).en}.`,
        }
      : {
          zh: `暂停该账号的发送，每 ${duration(waitMs).zh}试探一次。`,
          en: `Holds the messages of the account and probes every ${duration(waitMs).en}.`,
        },
  drop: ({ class: family }) =>
    family === 'management'
      ? {
          zh: '把结果交给调用者，不重试。',
          en: 'Hands the answer to the caller and does not repeat the call.',
        }
      : { zh: '这条消息不再重发。', en: 'Does not send this message again.' },
}

const reach: Readonly<Record<ErrcodeScope, readonly Bilingual[]>> = {
  message: [],
  recipient: [{ zh: '结论适用于这位用户。', en: 'The verdict concerns this user.' }],
  'recipient-template': [
    {
      zh: '结论只适用于这位用户的这一个模板。',
      en: 'The verdict concerns this user and this template only.',
    },
  ],
  template: [{ zh: '结论适用于整个模板。', en: 'The verdict concerns the whole template.' }],
  account: [{ zh: '结论适用于整个账号。', en: 'The verdict concerns the whole account.' }],
  api: [{ zh: '结论适用于这个接口。', en: 'The verdict concerns this API.' }],
}

const doubt: Bilingual = {
  zh: '消息可能已被受理，重试以不让用户收到两次为前提。',
  en: 'WeChat may have accepted it, so it is repeated only where the user cannot see it twice.',
}

const alarm: Bilingual = { zh: '发出告警。', en: 'Raises an alert.' }

const duration = (waitMs = 0): Bilingual => {
  const [unitMs, zh, en] = units.find(([each]) => waitMs >= each) ?? units[2]
  const count = waitMs / unitMs
  return { zh: `${count} ${zh}`, en: `${count} ${en}${count === 1 ? '' : 's'}` }
}

const units = [
  [3_600_000, '小时', 'hour'],
  [60_000, '分钟', 'minute'],
  [1000, '秒', 'second'],
] as const

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, '../docs/errcodes.md'), renderErrcodes())
}
