import { batchFunctions } from './batches.ts'
import { grantFunctions } from './grants.ts'
import { laneFunctions } from './lanes.ts'
import { prelude } from './prelude.ts'

/**
 * Looks at what a shard has, after what is due has been made ready. A lease that has run out keeps its entry, and its
 * message is leased anew before what is fresh: a backlog does not make it wait.
 *
 * KEYS[1] the shard. ARGV epoch, now, how many of each lane are asked for at most, whether to count exactly (1)
 * or to take a cheap guess where there are many (0).
 * Result: how many of lane 0, 1, 2 can be had, at most as many as asked for; the time at which the next is due, or false;
 * how many of lane 0, 1, 2 are leases that have run out.
 */
export const lookScript = `#!lua flags=allow-oom
${prelude}
local most, exact = tonumber(ARGV[3]), ARGV[4] == '1'

-- Answers how many leases have run out.
local function promote(lane)
  local runOut = 0
  local ids = redis.call('ZRANGEBYSCORE', dueKey(lane), '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    local fields = redis.call('HMGET', recordKey(id), 'st', 'ra', 'en')
    if fields[1] == 'leased' and fields[3] then runOut = runOut + 1
    else
      redis.call('ZREM', dueKey(lane), id)
      if fields[3] then pull(lane, fields[3]) end
      if fields[1] and fields[2] then push(lane, id, fields[2]) end
    end
  end
  return runOut
end

local function ready(lane)
  local stream = streamKey(lane)
  -- What is neither pending nor read before: a guess from two counters, unless an operator has meddled.
  if not exact then
    local guess = redis.call('XLEN', stream) - redis.call('XPENDING', stream, group)[1]
    if guess >= most then return most end
  end
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    for i = 1, #info, 2 do
      if info[i] == 'last-delivered-id' then
        return #redis.call('XRANGE', stream, '(' .. info[i + 1], '+', 'COUNT', most)
      end
    end
  end
  return redis.error_reply('NOGROUP of lane ' .. lane)
end

local results = { 0, 0, 0, false, 0, 0, 0 }
local nextAt = false
for lane = 0, 2 do
  local runOut = promote(lane)
  local number = ready(lane)
  if type(number) == 'table' then return number end
  results[lane + 1] = math.min(most, runOut + number)
  results[lane + 5] = runOut
  local first = redis.call('ZRANGE', dueKey(lane), 0, 0, 'WITHSCORES')
  if first[2] and (not nextAt or tonumber(first[2]) < nextAt) then nextAt = tonumber(first[2]) end
end
results[4] = nextAt and digits(nextAt)
return results
`

/**
 * Leases what is ready. The entry stays pending in the group until the message is settled, the lease is on record
 * before anybody hears of it, and what the message needs of the books is reserved in the same step. Whose recipient
 * another consumer has in hand comes again a moment later.
 *
 * KEYS[1] the shard. ARGV epoch, now, end of the lease, name of the consumer, how many of lane 0, of lane 1, of lane 2,
 * after how many milliseconds a recipient is tried again, then the channels that allow one call to a recipient.
 * Result: for each delivery: id, tenant, account, channel, lane, touser, template id, body, accepted at, expires at,
 * number, tries, doubt since or false, whether it needs a grant (1 or 0), grant handle or false, grant name or false.
 */
export const claimScript = `#!lua flags=allow-oom
${prelude}${batchFunctions}${grantFunctions}${laneFunctions}
local leaseUntil, consumer, tryAgainMs = ARGV[3], ARGV[4], ARGV[8]
local oneCall = {}
for i = 9, #ARGV do oneCall[ARGV[i]] = true end
local results = {}

local function putOff(lane, entry, id, busyUntil)
  pull(lane, entry)
  redis.call('HDEL', recordKey(id), 'en')
  redis.call('ZADD', dueKey(lane), digits(math.min(busyUntil, now + tryAgainMs)), id)
end

local function lease(lane, entry, id)
  local record = recordKey(id)
  local f = redis.call('HMGET', record, 'st', 'n', 'tr', 'la', 'ds', 'bg', 'cf', 'gk', 'gh', 'co', 'en', 'tn', 'ac',
    'ch', 'to', 'tp', 'bd', 'aa', 'xa', 'ra', 'rs')
  local state, doubtSince, grantKey, held = f[1], f[5], f[8], f[9]
  -- An entry that the record does not know is left over from a repair.
  if not state or f[11] ~= entry then return pull(lane, entry) end
  -- The group was made anew and gives out again what somebody has in hand: that is still due at the end of its lease.
  -- The time would not tell. Another process, whose now is a little later, may have found the lease run out and made the
  -- message ready already; passed over here, it would stay pending for ever.
  if state == 'leased' and redis.call('ZSCORE', dueKey(lane), id) then return end
  if oneCall[f[14]] then
    local busyUntil = enterLane(f[13] .. ' ' .. f[15], leaseUntil, consumer)
    if busyUntil then return putOff(lane, entry, id, busyUntil) end
  end
  local lost
  -- Ready while it says leased: its lease ran out, and whoever held it may have called WeChat.
  if state == 'leased' then
    lost = '{"at":' .. now .. ',"state":"lease-lost","leasedAt":' .. f[4] .. '}'
    addStep(id, lost, keptSteps)
    if f[6] == '1' and not doubtSince then
      doubtSince = f[4]
      redis.call('HSET', record, 'ds', doubtSince)
    end
  end
  local handle, name = false, false
  if grantKey then
    local person = f[13] .. ' ' .. f[15]
    local grant = heldGrant(person, held)
    if grant then handle, name = held, text(grant.m)
    else
      handle, name = reserveGrant(person, grantKey, f[16])
      if handle then redis.call('HSET', record, 'gh', handle)
      elseif held then redis.call('HDEL', record, 'gh') end
    end
  end
  if f[10] then redis.call('SREM', base .. ':c:' .. f[10], id) end
  if f[10] or f[21] then redis.call('HDEL', record, 'rs', 'co') end
  redis.call('HSET', record, 'st', 'leased', 'ra', leaseUntil, 'la', now, 'n', f[2] + 1, 'up', now,
    'bg', f[7] == '1' and '0' or '1')
  later('ZADD', dueKey(lane), nil, leaseUntil, id)
  if state ~= 'leased' then countLater(f[12], state, 'leased') end
  tell(id, lost)
  results[#results + 1] = { id, f[12], f[13], f[14], lane, f[15], f[16], f[17], f[18], f[19], f[2] + 1, f[3],
    doubtSince, grantKey and 1 or 0, handle, name }
end

-- The entry goes to this consumer, and is made pending again if an operator has taken it from the group.
local function leaseAgain(lane, quota)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', dueKey(lane), '-inf', now, 'LIMIT', 0, quota)) do
    local f = redis.call('HMGET', recordKey(id), 'st', 'en')
    if f[1] == 'leased' and f[2] then
      redis.call('ZREM', dueKey(lane), id)
      redis.call('XCLAIM', streamKey(lane), group, consumer, 0, f[2], 'FORCE', 'JUSTID')
      lease(lane, f[2], id)
      quota = quota - 1
    end
  end
  return quota
end

for lane = 0, 2 do
  local quota = tonumber(ARGV[5 + lane])
  if quota > 0 then quota = leaseAgain(lane, quota) end
  if quota > 0 then
    local got = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', quota, 'STREAMS', streamKey(lane), '>')
    if got then for _, entry in ipairs(got[1][2]) do lease(lane, entry[1], entry[2][2]) end end
  end
end
doWhatWasPutOff()
return results
`

/**
 * Notes that the call is about to be made.
 *
 * KEYS[1] the shard. ARGV epoch, now, id, number of the delivery. Result: 1, or 0 when the lease is not the current one.
 */
export const beginScript = `#!lua flags=allow-oom
${prelude}
local f = redis.call('HMGET', recordKey(ARGV[3]), 'st', 'n')
if f[1] ~= 'leased' or f[2] ~= ARGV[4] then return 0 end
redis.call('HSET', recordKey(ARGV[3]), 'bg', '1')
return 1
`
