import { prelude } from './prelude.ts'

/** Notices that are kept; beyond, those that end first are forgotten. */
const maxNotices = 10_000

/**
 * Puts up notices. One that would end sooner than what stands under its name changes nothing.
 *
 *     news             number of the last notice
 *     notices          hash of names → notices; news:order, news:ends: sorted sets of names by number and by end
 *
 * KEYS[1] the shard. ARGV epoch, now, the channel on which to say that there is something, then for each: name, end,
 * notice.
 */
export const postScript = `#!lua flags=allow-oom
${prelude}
local notices, order, ends = base .. ':notices', base .. ':news:order', base .. ':news:ends'
local function drop(names)
  for _, name in ipairs(names) do
    redis.call('HDEL', notices, name)
    redis.call('ZREM', order, name)
    redis.call('ZREM', ends, name)
  end
end
for i = 4, #ARGV, 3 do
  local name, untilAt = ARGV[i], ARGV[i + 1]
  local present = redis.call('ZSCORE', ends, name)
  if not present or tonumber(present) <= tonumber(untilAt) then
    redis.call('HSET', notices, name, ARGV[i + 2])
    redis.call('ZADD', ends, untilAt, name)
    redis.call('ZADD', order, redis.call('INCR', base .. ':news'), name)
  end
end
drop(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 1000))
local many = redis.call('ZCARD', ends) - ${maxNotices}
if many > 0 then drop(redis.call('ZRANGE', ends, 0, many - 1)) end
redis.call('PUBLISH', ARGV[3], '')
return 1
`

/**
 * Reads notices.
 *
 * KEYS[1] the shard. ARGV epoch, now, number of the last one that is known, how many at most.
 * Result: number of the last one read, then the notices; a number below the known one: all of them are new.
 */
export const newsScript = `#!lua flags=allow-oom
${prelude}
local last = tonumber(redis.call('GET', base .. ':news') or '0')
if last <= tonumber(ARGV[3]) then return { last } end
local names = redis.call('ZRANGEBYSCORE', base .. ':news:order', '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
local results = { last }
if #names == 2 * tonumber(ARGV[4]) then results[1] = tonumber(names[#names]) end
for i = 1, #names, 2 do results[#results + 1] = redis.call('HGET', base .. ':notices', names[i]) end
return results
`
