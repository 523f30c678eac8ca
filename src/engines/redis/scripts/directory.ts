import { prelude } from './prelude.ts'

/**
 * The directory lies in the first shard:
 *
 *     d:<kind>     hash, id → text
 *     d:version    how many changes there have been
 *     d:changed    sorted set of `<kind> <id>` by the number of the last change; what was removed stays in it
 */
const directoryFunctions = `
local known = ARGV[3]
local function isLost() return known ~= '' and known ~= ARGV[1] end
local lost = redis.error_reply('LOST Redis has lost the directory: what is known here is not there any more')
`

/** KEYS[1] the shard. ARGV epoch, now, kind. Result: id and text, in turn. */
export const listRecordsScript = `#!lua flags=allow-oom
${prelude}
return redis.call('HGETALL', base .. ':d:' .. ARGV[3])
`

/**
 * Makes a change, if its writer has seen the latest one.
 *
 * KEYS[1] the shard. ARGV epoch, now, epoch in which the directory was first read or empty, number of the change that was
 * seen or `any`, kind, id, text (missing: the record is removed).
 * Result: the number of the change; false when another one has been made meanwhile.
 */
export const writeRecordScript = `#!lua flags=allow-oom
${prelude}${directoryFunctions}
local seen, kind, id, value = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
if isLost() then return lost end
if seen ~= 'any' and seen ~= (redis.call('GET', base .. ':d:version') or '0') then return false end
if value then redis.call('HSET', base .. ':d:' .. kind, id, value)
else redis.call('HDEL', base .. ':d:' .. kind, id) end
local version = redis.call('INCR', base .. ':d:version')
redis.call('ZADD', base .. ':d:changed', version, kind .. ' ' .. id)
return version
`

/**
 * What has changed.
 *
 * KEYS[1] the shard. ARGV epoch, now, epoch in which the directory was first read or empty, number of the change that was
 * seen last. Result: the epoch, the number of the latest change, then for each record that has changed since its
 * `<kind> <id>` and its text, or false if it is gone.
 */
export const changedRecordsScript = `#!lua flags=allow-oom
${prelude}${directoryFunctions}
if isLost() then return lost end
local results = { ARGV[1], tonumber(redis.call('GET', base .. ':d:version') or '0') }
for _, name in ipairs(redis.call('ZRANGEBYSCORE', base .. ':d:changed', '(' .. ARGV[4], '+inf')) do
  local kind, id = string.match(name, '^(%S+) (.*)$')
  results[#results + 1] = { name, redis.call('HGET', base .. ':d:' .. kind, id) }
end
return results
`
