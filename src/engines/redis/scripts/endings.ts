import { batchFunctions } from './batches.ts'
import { grantFunctions } from './grants.ts'
import { laneFunctions } from './lanes.ts'
import { prelude } from './prelude.ts'
import { receiptFunctions } from './receipts.ts'

/**
 * Records what became of deliveries, each only while its lease is the current one: the number is the fence.
 *
 * KEYS[1] the shard. ARGV epoch, now, then for each delivery: id, number, state, reason, until (empty: this is the end),
 * what it adds to the tries, doubt since, msgid, step (JSON; empty: it leaves no trace), condition, what becomes of the
 * grant (used, free, void), the consumer that leaves the lane of the recipient (empty: there is none).
 * Result: for each, 1 if it was settled, 0 if its lease is not the current one.
 */
export const settleScript = `#!lua flags=allow-oom
${prelude}${batchFunctions}${grantFunctions}${laneFunctions}${receiptFunctions}
local results = {}

-- What goes back on the books is what another message may be parked for.
local function releaseOne(account, touser, template, key)
  local condition = conditionOf(account, touser, template, key)
  for _, id in ipairs(redis.call('SRANDMEMBER', base .. ':c:' .. condition, 100)) do
    local f = redis.call('HMGET', recordKey(id), 'gk', 'ln', 'ra')
    if f[1] == key then return goAtOnce(id, f[2], f[3], condition) end
  end
end

-- Word of a grant may have come after the lease that found none: it released what was parked then, and not this.
local function park(id, lane, untilAt, condition, account, touser, template, key)
  redis.call('HSET', recordKey(id), 'co', condition)
  redis.call('SADD', base .. ':c:' .. condition, id)
  if string.sub(condition, 1, 6) ~= 'grant ' then redis.call('SADD', base .. ':conditions', condition) end
  if key and condition == conditionOf(account, touser, template, key)
    and availableGrant(account .. ' ' .. touser, key, template) then goAtOnce(id, lane, untilAt, condition) end
end

local function settle(i)
  local id, number, state, reason, untilAt = ARGV[i], ARGV[i + 1], ARGV[i + 2], text(ARGV[i + 3]), text(ARGV[i + 4])
  local doubtSince, msgid, step = text(ARGV[i + 6]), text(ARGV[i + 7]), text(ARGV[i + 8])
  local condition, effect, consumer = text(ARGV[i + 9]), text(ARGV[i + 10]), text(ARGV[i + 11])
  local record = recordKey(id)
  local f = redis.call('HMGET', record, 'st', 'n', 'ln', 'en', 'tn', 'ac', 'to', 'tp', 'gk', 'gh', 'mi')
  if f[1] ~= 'leased' or f[2] ~= number then return 0 end
  local lane, tenant, account, touser = f[3], f[5], f[6], f[7]
  if effect and f[9] then
    settleGrant(effect, f[10], account, touser, f[8], f[9])
    if effect == 'free' and f[10] and availableGrant(account .. ' ' .. touser, f[9], f[8]) then
      releaseOne(account, touser, f[8], f[9])
    end
    redis.call('HDEL', record, 'gh')
    f[10] = false
  end
  if f[4] then
    later('XACK', streamKey(lane), group, f[4])
    later('XDEL', streamKey(lane), nil, f[4])
  end
  if consumer then leaveLane(account .. ' ' .. touser, consumer) end
  local fields = { 'HSET', record, 'st', state, 'up', now }
  local function set(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if reason then set('rs', reason) end
  if doubtSince then set('ds', doubtSince) end
  if step then addStep(id, step, keptSteps) end
  countLater(tenant, 'leased', state)
  if untilAt then
    set('ra', untilAt)
    redis.call(unpack(fields))
    redis.call('HDEL', record, 'en')
    redis.call('HINCRBY', record, 'tr', ARGV[i + 5])
    redis.call('ZADD', dueKey(lane), untilAt, id)
    tell(id, step)
    if condition then park(id, lane, untilAt, condition, account, touser, f[8], f[9]) end
  else
    set('os', state)
    set('oa', now)
    if msgid and not f[11] then
      set('mi', msgid)
      redis.call('SADD', base .. ':w:' .. account .. ' ' .. msgid, id)
    end
    redis.call(unpack(fields))
    redis.call('HDEL', record, 'en', 'ra', 'gh')
    later('ZREM', dueKey(lane), nil, id)
    later('ZADD', base .. ':final', nil, now, id)
    later('SREM', base .. ':open', nil, id)
    tell(id, step)
  end
  if msgid or doubtSince then meetStrays(id, account, touser, tenant, state, msgid) end
  return 1
end

for i = 3, #ARGV, 12 do results[#results + 1] = settle(i) end
doWhatWasPutOff()
return results
`

/**
 * Stops a message that is not on lease and not final.
 *
 * KEYS[1] the shard. ARGV epoch, now, tenant, id. Result: the kind of the answer and its state; false if it is not here.
 */
export const cancelScript = `#!lua flags=allow-oom
${prelude}${grantFunctions}
local tenant, id = ARGV[3], ARGV[4]
local record = recordKey(id)
local f = redis.call('HMGET', record, 'st', 'tn', 'os', 'ds', 'ln', 'en', 'co', 'ac', 'to', 'tp', 'gk', 'gh')
if not f[1] or f[2] ~= tenant then return false end
if f[1] == 'leased' then return { 'in-flight', f[1] } end
if f[3] then return { 'final', f[1] } end
local state = f[4] and 'unknown' or 'cancelled'
if f[12] then settleGrant('used', f[12], f[8], f[9], f[10], f[11]) end
leave(id, f[5], f[6], f[7])
redis.call('HSET', record, 'st', state, 'rs', 'cancelled', 'up', now)
finish(id, state)
local step = '{"at":' .. now .. ',"state":"' .. state .. '","reason":"cancelled"}'
addStep(id, step, keptSteps)
count(tenant, f[1], state)
tell(id, step)
return { 'cancelled', state }
`
