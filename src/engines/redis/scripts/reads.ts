import { prelude } from './prelude.ts'

/** A function of scripts that read records. */
export const readFunction = `
-- A record as an array, in the order that \`recordOf\` reads.
local function read(id)
  local f = redis.call('HMGET', recordKey(id), 'tn', 'ac', 'ch', 'ln', 'to', 'tp', 'bd', 'aa', 'sa', 'xa', 'xt', 'st',
    'rs', 'ra', 'n', 'ds', 'mi', 'up')
  if not f[1] then return false end
  f[19] = id
  f[20] = table.concat(redis.call('LRANGE', base .. ':t:' .. id, 0, -1), ',')
  return f
end
`

/** KEYS[1] the shard. ARGV epoch, now, tenant, id. Result: the record, or false if the tenant has none here. */
export const findScript = `#!lua flags=allow-oom
${prelude}${readFunction}
local f = read(ARGV[4])
return f and f[1] == ARGV[3] and f
`

/** KEYS[1] the shard. ARGV epoch, now, then ids. Result: those of them that lie here and are final. */
export const endedScript = `#!lua flags=allow-oom
${prelude}
local results = {}
for i = 3, #ARGV do
  if redis.call('HEXISTS', recordKey(ARGV[i]), 'os') == 1 then results[#results + 1] = ARGV[i] end
end
return results
`

/**
 * A page of a tenant's records, newest first.
 *
 * KEYS[1] the shard. ARGV epoch, now, tenant, place and id before which to begin, how many.
 * Result: for each: its place, its record.
 */
export const pageScript = `#!lua flags=allow-oom
${prelude}${readFunction}
local key = base .. ':tenant:' .. ARGV[3]
local rank = redis.call('ZCOUNT', key, '(' .. ARGV[4], '+inf')
while true do
  local next = redis.call('ZREVRANGE', key, rank, rank, 'WITHSCORES')
  if not next[1] or tonumber(next[2]) < tonumber(ARGV[4]) or next[1] < ARGV[5] then break end
  rank = rank + 1
end
local results = {}
local ids = redis.call('ZREVRANGE', key, rank, rank + ARGV[6] - 1, 'WITHSCORES')
for i = 1, #ids, 2 do results[#results + 1] = { digits(tonumber(ids[i + 1])), read(ids[i]) } end
return results
`

/** KEYS[1] the shard. ARGV epoch, now, tenant. Result: state and number, in turn. */
export const countsScript = `#!lua flags=allow-oom
${prelude}
return redis.call('HGETALL', base .. ':counts:' .. ARGV[3])
`

/**
 * KEYS[1] the shard. ARGV epoch, now. Result: how many messages are not final; how many events a history has not been
 * told; the oldest of them, or false.
 */
export const openScript = `#!lua flags=allow-oom
${prelude}
local oldest = redis.call('XRANGE', base .. ':events', '-', '+', 'COUNT', 1)[1]
return { redis.call('SCARD', base .. ':open'), redis.call('XLEN', base .. ':events'), oldest and oldest[1] }
`
