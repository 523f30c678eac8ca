import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf } from '../../support/harness.ts'
import { account, aNote, touser } from './parts.ts'

/** What is known of a person follows the latest news. */
export const contacts = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('nobody is known who was not heard of', async (_t, { recipients }) => {
    assert.equal(await recipients.contact({ account, touser }), undefined)
  })

  clause('older news change nothing', async (_t, { recipients }) => {
    const tell = (following: boolean, at: number) =>
      recipients.note(aNote({ contact: { touser, at, following } }))
    await tell(true, 2000)
    await tell(false, 1000)
    assert.deepEqual(await recipients.contact({ account, touser }), {
      ...{ account, touser, following: true, followingSince: 2000 },
    })
    await tell(false, 3000)
    assert.equal((await recipients.contact({ account, touser }))?.following, false)
  })

  clause('an interaction is remembered beside what is known', async (_t, { recipients }) => {
    await recipients.note(aNote({ contact: { touser, at: 1000, following: true } }))
    await recipients.note(aNote({ contact: { touser, at: 5000, interacted: true } }))
    await recipients.note(aNote({ contact: { touser, at: 4000, interacted: true } }))
    assert.deepEqual(await recipients.contact({ account, touser }), {
      ...{ account, touser, following: true, followingSince: 1000, interactedAt: 5000 },
    })
  })

  clause('a restart forgets nothing, neither the person nor the key', async (_t, harness) => {
    const note = aNote({ keys: ['k'], contact: { touser, at: 1000, following: true } })
    await harness.recipients.note(note)
    const { recipients } = await harness.restart()
    assert.deepEqual(await recipients.note(note), { kind: 'repeated' })
    assert.equal((await recipients.contact({ account, touser }))?.following, true)
  })

  clause('keys are forgotten after their time', async (_t, harness) => {
    const { recipients, clock } = harness
    const note = aNote({ keys: ['k'] })
    await recipients.note(note)
    clock.advance(3_600_001)
    await harness.sweep()
    assert.deepEqual(await recipients.note(note), { kind: 'taken', released: 0 })
  })
}
