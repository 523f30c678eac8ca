import type { Finding } from './doctor.ts'
import { say } from './say.ts'

/** Every node's clock writes times that others read; what is further apart shows in retries and leases. */
const noticedMs = 1000
/** A signature holds for 300 s: a clock that is a minute off is on its way out of that. */
const worstMs = 60_000

/**
 * What a clock that is so far ahead of ours means. `whose`: its owner, in both languages. `exactToMs`: how exactly it
 * told its time.
 */
export const clockFinding = (
  check: string,
  whose: { readonly zh: string; readonly en: string },
  aheadMs: number,
  exactToMs = 0,
): Finding => {
  const awayMs = Math.abs(aheadMs)
  const facts = { ahead_ms: Math.round(aheadMs) }
  if (awayMs <= noticedMs + exactToMs)
    return {
      check,
      status: 'ok',
      detail: say(
        `本机时钟与${whose.zh}相差不超过 ${noticedMs / 1000} 秒`,
        `The clock is within ${noticedMs / 1000} s of ${whose.en}`,
      ),
      facts,
    }
  const seconds = (awayMs / 1000).toFixed(1)
  return {
    check,
    status: awayMs > worstMs ? 'failed' : 'warning',
    detail:
      aheadMs < 0
        ? say(`本机时钟比${whose.zh}快 ${seconds} 秒`, `The clock is ${seconds} s ahead of ${whose.en}`)
        : say(`本机时钟比${whose.zh}慢 ${seconds} 秒`, `The clock is ${seconds} s behind ${whose.en}`),
    fix: say(
      '在所有机器上启用 NTP（如 apt-get install chrony）：租约、重试与定时按各节点的时钟计算，相差超过 300 秒的签名会被拒绝。',
      'Let NTP set it on every machine (apt-get install chrony): leases, retries and schedules go by the clocks of the nodes, and signatures more than 300 s off are refused.',
    ),
    facts,
  }
}
