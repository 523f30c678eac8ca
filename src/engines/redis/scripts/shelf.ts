import { prelude } from './prelude.ts'

/** What stands under a name. KEYS[1] the shard. ARGV epoch, now, name. Result: the text or false. */
export const lookScript = `#!lua flags=allow-oom
${prelude}
return redis.call('GET', base .. ':shelf:' .. ARGV[3])
`

/**
 * Puts a text in the place of another one. What is on the shelf is needed to send, and so to make room.
 *
 * KEYS[1] the shard. ARGV epoch, now, name, the text that was seen there (empty: none), the next one, for how many
 * milliseconds it is kept. Result: 1, or 0 when something else is there.
 */
export const swapScript = `#!lua flags=allow-oom
${prelude}
local key = base .. ':shelf:' .. ARGV[3]
if (redis.call('GET', key) or '') ~= ARGV[4] then return 0 end
redis.call('SET', key, ARGV[5], 'PX', ARGV[6])
return 1
`
