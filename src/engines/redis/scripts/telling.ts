import { prelude } from './prelude.ts'
import { readFunction } from './reads.ts'

/** Whether a history wants to be told. KEYS[1] the shard. ARGV epoch, now. Result: 1 or 0. */
export const isTellingScript = `#!lua flags=allow-oom
${prelude}
return telling and 1 or 0
`

/**
 * What a history has not been told yet, oldest first. Who asks wants to be told: from then on transitions leave events.
 *
 * KEYS[1] the shard. ARGV epoch, now, how many at most. Result: whether all that is older than the wish has been told (1
 * or 0); for each event its entry, its fields, and, where it tells of a message that was taken in, the record of it and
 * its place in the order of acceptance.
 */
export const eventsScript = `#!lua flags=allow-oom
${prelude}${readFunction}
redis.call('SET', base .. ':telling', 1)
local results = {}
for _, entry in ipairs(redis.call('XRANGE', base .. ':events', '-', '+', 'COUNT', ARGV[3])) do
  local fields = entry[2]
  local record = #fields == 2 and read(fields[2])
  local place = record and redis.call('ZSCORE', base .. ':tenant:' .. record[1], fields[2])
  results[#results + 1] = { entry[1], fields, record, place and digits(tonumber(place)) }
end
return { redis.call('EXISTS', base .. ':told'), results }
`

/** The history has been told these. KEYS[1] the shard. ARGV epoch, now, then the entries. */
export const toldScript = `#!lua flags=allow-oom
${prelude}
for i = 3, #ARGV do redis.call('XDEL', base .. ':events', ARGV[i]) end
return 1
`

/**
 * Tells of some messages that are older than the history's wish to be told. First those that are not final, then those
 * that are: whatever becomes final meanwhile tells of itself.
 *
 * KEYS[1] the shard. ARGV epoch, now, 'open' or 'final', cursor of the walk ('0' begins), how many at a time.
 * Result: the next cursor ('0': the end).
 */
export const tellPastScript = `#!lua flags=allow-oom
${prelude}
local walk = ARGV[3] == 'open' and 'SSCAN' or 'ZSCAN'
local page = redis.call(walk, base .. ':' .. ARGV[3], ARGV[4], 'COUNT', ARGV[5])
for i = 1, #page[2], walk == 'SSCAN' and 1 or 2 do
  local id = page[2][i]
  local f = redis.call('HMGET', recordKey(id), 'tn', 'v')
  if f[1] and not f[2] then tell(id) end
end
if page[1] == '0' and ARGV[3] == 'final' then redis.call('SET', base .. ':told', 1) end
return page[1]
`

/**
 * Makes one process the one that tells the history, for a while. KEYS[1] the shard. ARGV epoch, now, its name, until
 * when (now: it lets go). Result: 1, or 0 when it is another one.
 */
export const holdTellingScript = `#!lua flags=allow-oom
${prelude}
local f = redis.call('HMGET', base .. ':recorder', 'who', 'until')
if f[1] and f[1] ~= ARGV[3] and tonumber(f[2]) > tonumber(now) then return 0 end
redis.call('HSET', base .. ':recorder', 'who', ARGV[3], 'until', ARGV[4])
return 1
`
