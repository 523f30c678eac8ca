import { prelude } from './prelude.ts'

/**
 * Forgets a little of what is past its time: notes, strays, debts, nonces and spent grants.
 *
 * KEYS[1] the shard. ARGV epoch, now, before when spent grants must have changed last, how many of each at most.
 */
export const sweepScript = `#!lua flags=allow-oom
${prelude}
local before, most = ARGV[3], ARGV[4]
local function old(name, untilAt) return redis.call('ZRANGEBYSCORE', base .. name, '-inf', untilAt, 'LIMIT', 0, most) end

redis.call('ZREMRANGEBYSCORE', base .. ':notes', '-inf', now)
redis.call('ZREMRANGEBYSCORE', base .. ':nonces', '-inf', now)
for _, member in ipairs(old(':strays', now)) do
  local person, msgid = string.match(member, '^(.*)\\n(.-)$')
  redis.call('HDEL', base .. ':y:' .. person, msgid)
  redis.call('ZREM', base .. ':strays', member)
end
for _, person in ipairs(old(':owed', tonumber(now) - 600001)) do
  redis.call('DEL', base .. ':o:' .. person)
  redis.call('ZREM', base .. ':owed', person)
end
for _, person in ipairs(old(':grants', before)) do
  local key = base .. ':g:' .. person
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local grant = cmsgpack.unpack(all[i + 1])
    local spent = grant.a == 0 or (grant.x and grant.x <= tonumber(now))
    if spent and grant.r == 0 and grant.t < tonumber(before) then redis.call('HDEL', key, all[i]) end
  end
  if redis.call('EXISTS', key) == 1 then redis.call('ZADD', base .. ':grants', now, person)
  else redis.call('ZREM', base .. ':grants', person) end
end
return 1
`

/**
 * What was final before a time. Where a history is told, only that of which it has been told everything: the event of
 * the latest change has gone from the stream.
 *
 * KEYS[1] the shard. ARGV epoch, now, before, behind how many to begin, how many to look at.
 * Result: how many it has looked at; for each message that may go: id, tenant, extra or false, state, when it ended.
 */
export const oldScript = `#!lua flags=allow-oom
${prelude}
local function isTold(entry)
  return entry and #redis.call('XRANGE', base .. ':events', entry, entry) == 0
end
local results = {}
local ids = redis.call('ZRANGEBYSCORE', base .. ':final', '-inf', '(' .. ARGV[3], 'LIMIT', ARGV[4], ARGV[5])
for _, id in ipairs(ids) do
  local f = redis.call('HMGET', recordKey(id), 'tn', 'xt', 'st', 'oa', 'ev')
  if not telling or not f[1] or isTold(f[5]) then results[#results + 1] = { id, f[1], f[2], f[3], f[4] } end
end
return { #ids, results }
`

/** Forgets messages and all that points to them. KEYS[1] the shard. ARGV epoch, now, then the ids. */
export const forgetScript = `#!lua flags=allow-oom
${prelude}
for i = 3, #ARGV do
  local id = ARGV[i]
  local f = redis.call('HMGET', recordKey(id), 'tn', 'ac', 'to', 'mi', 'st')
  redis.call('ZREM', base .. ':final', id)
  if f[1] then
    redis.call('ZREM', base .. ':tenant:' .. f[1], id)
    redis.call('ZREM', base .. ':p:' .. f[2] .. ' ' .. f[3], id)
    if f[4] then redis.call('SREM', base .. ':w:' .. f[2] .. ' ' .. f[4], id) end
    count(f[1], f[5], false)
    redis.call('DEL', recordKey(id), base .. ':t:' .. id)
  end
end
return 1
`

/**
 * How much is waiting.
 *
 * KEYS[1] the shard. ARGV epoch, now. Result: for lanes 0, 1, 2: how many are ready and since when the oldest is, or
 * false; then how many come later.
 */
export const depthScript = `#!lua flags=allow-oom
${prelude}
local results, later = {}, 0
for lane = 0, 2 do
  local stream = streamKey(lane)
  local pending = redis.call('XPENDING', stream, group)[1]
  local due = redis.call('ZCOUNT', dueKey(lane), '-inf', now)
  local ready = math.max(0, redis.call('XLEN', stream) - pending)
  local oldest = false
  if ready > 0 then
    local info = redis.call('XINFO', 'GROUPS', stream)[1]
    for i = 1, #info, 2 do
      if info[i] == 'last-delivered-id' then
        local entry = redis.call('XRANGE', stream, '(' .. info[i + 1], '+', 'COUNT', 1)[1]
        oldest = entry and entry[2][4]
      end
    end
  end
  if due > 0 then
    local first = redis.call('ZRANGE', dueKey(lane), 0, 0, 'WITHSCORES')[2]
    if not oldest or tonumber(first) < tonumber(oldest) then oldest = digits(tonumber(first)) end
  end
  -- A lease that has run out, but has not been made ready yet, is pending and due: it was not counted as ready above.
  results[2 * lane + 1] = ready + due
  results[2 * lane + 2] = oldest
  later = later + redis.call('ZCARD', dueKey(lane)) - due
end
results[7] = later
return results
`

/** Whether a nonce is new. KEYS[1] the shard. ARGV epoch, now, nonce, until. Result: 1 or 0. */
export const nonceScript = `#!lua
${prelude}
local untilAt = redis.call('ZSCORE', base .. ':nonces', ARGV[3])
if untilAt and tonumber(untilAt) > tonumber(now) then return 0 end
redis.call('ZADD', base .. ':nonces', ARGV[4], ARGV[3])
return 1
`

/**
 * Gives every message that is not final its place in the queue back, should an operator have taken it away, and takes
 * out of the group what has no entry any more and consumers that are gone and hold nothing.
 *
 * KEYS[1] the shard. ARGV epoch, now, cursor of the walk ('0' begins), how many at a time, after how long without a word
 * a consumer is gone. Result: the next cursor ('0': the end), how many were given their place back.
 */
export const reconcileScript = `#!lua flags=allow-oom
${prelude}
local mended = 0
local function isReady(stream, entry)
  return #redis.call('XRANGE', stream, entry, entry) > 0
    and #redis.call('XPENDING', stream, group, entry, entry, 1) == 0
end

local function mend(id)
  local f = redis.call('HMGET', recordKey(id), 'st', 'os', 'ln', 'en', 'ra')
  if not f[1] or f[2] then return redis.call('SREM', base .. ':open', id) end
  if redis.call('ZSCORE', dueKey(f[3]), id) then return end
  -- It waits in the stream; but one that is pending there would be due at the end of its lease.
  if f[4] and isReady(streamKey(f[3]), f[4]) then return end
  if f[4] then pull(f[3], f[4]) end
  push(f[3], id, f[5])
  mended = mended + 1
end

local function tidy(stream)
  local cursor = '0-0'
  repeat
    cursor = redis.call('XAUTOCLAIM', stream, group, 'reconciler', '999999999999', cursor, 'COUNT', 100)[1]
  until cursor == '0-0'
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    local consumer = {}
    for i = 1, #info, 2 do consumer[info[i]] = info[i + 1] end
    if consumer.pending == 0 and consumer.idle > tonumber(ARGV[5]) then
      redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer.name)
    end
  end
end

if ARGV[3] == '0' then for lane = 0, 2 do tidy(streamKey(lane)) end end
local page = redis.call('SSCAN', base .. ':open', ARGV[3], 'COUNT', ARGV[4])
for _, id in ipairs(page[2]) do mend(id) end
return { page[1], mended }
`
