import { type TestContext, test } from 'node:test'
import { widthOf } from '../../src/cli/terminal.ts'
import { timelineText } from '../../src/cli/timeline.ts'
import type { MessageView } from '../../src/cli/views.ts'

const at = (clock: string) => new Date(`2026-05-01T${clock}`).toISOString()

const message: MessageView = {
  id: 'msg_0199d5c27a4e7c33b0f1c2d3e4f50617',
  state: 'dead',
  reason: 'errcode-47003',
  explanation: {
    zh: '消息没有发出。',
    en: 'It was not sent and will not be tried again: A template value breaks the rules.',
    next_step: { zh: '修正后再发。', en: 'Correct the field named in the errmsg and send again.' },
  },
  account: 'demo-official',
  appid: 'wx00000000000de301',
  touser: 'oDemoUser0000000000000000001',
  template_id: 'DemoOrderShipped_000000000000000000000000_1',
  accepted_at: at('15:01:02.123'),
  next_attempt_at: null,
  attempts: [{}, { errmsg: 'argument invalid! data.thing2.value is empty', rid: '6b04-1' }],
  timeline: [
    { at: at('15:01:02.123'), event: 'accepted' },
    { at: at('15:01:02.125'), event: 'leased' },
    { at: at('15:01:04.625'), event: 'in-doubt', reason: 'timeout', duration_ms: 2500 },
    { at: at('15:01:04.625'), event: 'retry', reason: 'timeout', until: at('15:03:00.000') },
    { at: at('15:03:00.625'), event: 'answered', errcode: 47003, duration_ms: 46 },
    { at: at('15:03:00.626'), event: 'dead', reason: 'errcode-47003' },
  ],
}

test('a timeline tells where, when, why and what to do', (t: TestContext) => {
  t.assert.equal(
    timelineText(message, { columns: 100 }),
    `✖ dead · errcode-47003
  msg_0199d5c27a4e7c33b0f1c2d3e4f50617
  account   demo-official
  to        oDemoUser0000000000000000001
  template  DemoOrderShipped_000000000000000000000000_1

  2026-05-01
  15:01:02.123            accepted
  15:01:02.125     +2 ms  leased
  15:01:04.625    +2.5 s  in-doubt   timeout · 2.5 s
  15:01:04.625     +0 ms  retry      timeout · → 15:03:00.000
  15:03:00.625  +1.9 min  answered
      errcode 47003 argument invalid! data.thing2.value is empty
      rid 6b04-1
      46 ms
  15:03:00.626     +1 ms  dead       errcode-47003

  It was not sent and will not be tried again: A template value breaks the rules.
  → Correct the field named in the errmsg and send again.
`,
  )
})

test('it keeps within a narrow terminal, but for what has to be copied', (t: TestContext) => {
  const lines = timelineText(message, { columns: 44 }).split('\n')
  const wide = lines.filter((line) => widthOf(line) > 44)
  t.assert.deepEqual(wide, ['    DemoOrderShipped_000000000000000000000000_1'])
})

test('a day that changes is shown, and texts of others cannot move the cursor', (t: TestContext) => {
  const text = timelineText({
    ...message,
    touser: 'o\u001b[2Jx',
    timeline: [message.timeline[0]!, { at: new Date('2026-05-02T00:00:01').toISOString(), event: 'expired' }],
  })
  t.assert.match(
    text,
    /\n {2}2026-05-01\n[^\n]* accepted\n {2}2026-05-02\n {2}00:00:01\.000 {6}\+9 h {2}expired\n/,
  )
  t.assert.ok(!text.includes('\u001b[2J'))
})

test('every kind of state has its mark', (t: TestContext) => {
  const marks = (['sent', 'dead', 'expired', 'cancelled', 'unknown', 'queued', 'parked'] as const).map(
    (state) => timelineText({ ...message, state })[0],
  )
  t.assert.equal(marks.join(''), '✔✖✖✖?……')
})
