/**
 * Receipts and their messages, as functions of the scripts that need them; what they mean is said at `Receipt`. All
 * messages of a person lie in one shard, so whatever a receipt can belong to is at hand. A receipt is a table: msgid,
 * touser, channel, template, at, kind, reason, reasonJson, authentic; absent: false. One that has found no message is a
 * stray: `y:<person>` is a hash of msgid → receipt, `strays` a sorted set of person and msgid by the end of keeping.
 */
export const receiptFunctions = `
local slackMs, reachMs, strayMs = 5000, 600000, 86400000
local maxCandidates, maxStrays = 50, 50000

local function stepOf(state, reasonJson)
  local reason = reasonJson and (',"reason":' .. reasonJson) or ''
  return '{"at":' .. now .. ',"state":"' .. state .. '"' .. reason .. '}'
end

-- Writes what the receipt says over how the message ended, once.
local function sharpen(id, tenant, state, receipt)
  redis.call('HSET', recordKey(id), 'st', receipt.kind, 'rc', '1', 'up', now)
  if receipt.reason then redis.call('HSET', recordKey(id), 'rs', receipt.reason) end
  local step = stepOf(receipt.kind, receipt.reasonJson)
  addStep(id, step, keptSteps)
  count(tenant, state, receipt.kind)
  tell(id, step)
  return { id, receipt.kind }
end

local function nameIt(id, account, msgid)
  if not msgid then return end
  if redis.call('HSETNX', recordKey(id), 'mi', msgid) == 1 then
    redis.call('SADD', base .. ':w:' .. account .. ' ' .. msgid, id)
  end
end

-- Settles a message in doubt: WeChat had taken it.
local function resolve(row, account, receipt)
  local id, state = row.id, row.state
  if not row.ended then
    if row.grantKey then
      settleGrant('used', row.grantHandle, account, receipt.touser, row.template, row.grantKey)
    end
    leave(id, row.lane, row.entry, row.condition)
    redis.call('HSET', recordKey(id), 'st', 'sent', 'rs', 'receipt', 'up', now)
    finish(id, 'sent')
    addStep(id, stepOf('sent', '"receipt"'), keptSteps)
    count(row.tenant, state, 'sent')
    state = 'sent'
    nameIt(id, account, receipt.msgid)
    tell(id, stepOf('sent', '"receipt"'))
  end
  nameIt(id, account, receipt.msgid)
  return sharpen(id, row.tenant, state, receipt)
end

local function ofFamily(channel, family)
  if family == 'template' then return channel == 'template' end
  return channel == 'subscribe' or channel == 'oa_subscribe'
end

-- What this receipt may belong to, latest first.
local function candidatesOf(account, receipt)
  local rows = {}
  local ids = redis.call('ZREVRANGE', base .. ':p:' .. account .. ' ' .. receipt.touser, 0, maxCandidates - 1)
  for _, id in ipairs(ids) do
    local f = redis.call('HMGET', recordKey(id), 'st', 'ch', 'tp', 'os', 'oa', 'rc', 'ds', 'la', 'mi', 'gk', 'gh', 'ln',
      'en', 'co', 'tn')
    local fits = f[1] and not f[6] and ofFamily(f[2], receipt.channel)
      and (not receipt.template or f[3] == receipt.template)
      and (not f[5] or tonumber(f[5]) >= receipt.at - reachMs)
    if fits then
      rows[#rows + 1] = { id = id, state = f[1], template = f[3], ended = f[4], endedAt = tonumber(f[5] or 0),
        doubtSince = f[7] and tonumber(f[7]), leasedAt = tonumber(f[8] or 0), msgid = f[9], grantKey = f[10],
        grantHandle = f[11], lane = f[12], entry = f[13], condition = f[14], tenant = f[15] }
    end
  end
  return rows
end

-- Without a msgid: the earliest that ended as sent or unknown before the receipt, or is in doubt.
local function earliest(account, receipt)
  local latest = receipt.at + 1000 + slackMs
  local found
  for _, row in ipairs(candidatesOf(account, receipt)) do
    if row.ended then
      if (row.ended == 'sent' or row.ended == 'unknown') and row.endedAt <= latest then found = row end
    elseif row.state ~= 'leased' and row.doubtSince and row.doubtSince <= latest then found = row end
  end
  return found
end

-- With a msgid that nobody knows: the one message in doubt, or unknown, whose call it can answer.
local function onlyDoubt(account, receipt)
  if not receipt.authentic then return nil end
  local latest = receipt.at + 1000 + slackMs
  local found = {}
  for _, row in ipairs(candidatesOf(account, receipt)) do
    local fits
    if row.state == 'leased' then fits = row.leasedAt <= latest
    else fits = row.doubtSince and row.doubtSince <= latest and not row.msgid and row.ended ~= 'sent' end
    if fits then found[#found + 1] = row end
  end
  if #found == 1 and found[1].state ~= 'leased' then return found[1] end
  return nil
end

local function keepStray(account, receipt)
  local person = account .. ' ' .. receipt.touser
  if redis.call('HSETNX', base .. ':y:' .. person, receipt.msgid, cmsgpack.pack(receipt)) == 0 then return end
  redis.call('ZADD', base .. ':strays', tonumber(now) + strayMs, person .. '\\n' .. receipt.msgid)
  if redis.call('ZCARD', base .. ':strays') <= maxStrays then return end
  -- Beyond, the oldest goes: one whose message is on its way here finds it within seconds.
  local oldest = redis.call('ZPOPMIN', base .. ':strays')[1]
  local whose, msgid = string.match(oldest, '^(.*)\\n(.-)$')
  redis.call('HDEL', base .. ':y:' .. whose, msgid)
end

local function dropStray(person, msgid)
  redis.call('HDEL', base .. ':y:' .. person, msgid)
  redis.call('ZREM', base .. ':strays', person .. '\\n' .. msgid)
end

-- Takes in a receipt; answers what it sharpened, if anything.
local function takeReceipt(account, receipt)
  if not receipt.msgid then
    local row = earliest(account, receipt)
    return row and resolve(row, account, receipt)
  end
  local known = redis.call('SMEMBERS', base .. ':w:' .. account .. ' ' .. receipt.msgid)
  for _, id in ipairs(known) do
    local f = redis.call('HMGET', recordKey(id), 'st', 'rc', 'to', 'tn')
    if (f[1] == 'sent' or f[1] == 'unknown') and not f[2] and f[3] == receipt.touser then
      return sharpen(id, f[4], f[1], receipt)
    end
  end
  if #known > 0 then return nil end
  local doubted = onlyDoubt(account, receipt)
  if doubted then return resolve(doubted, account, receipt) end
  keepStray(account, receipt)
  return nil
end

-- A message has just been settled: a receipt that came before may belong to it.
local function meetStrays(id, account, touser, tenant, state, msgid)
  if redis.call('ZCARD', base .. ':strays') == 0 then return end
  local person = account .. ' ' .. touser
  if msgid then
    local packed = redis.call('HGET', base .. ':y:' .. person, msgid)
    if not packed then return end
    dropStray(person, msgid)
    sharpen(id, tenant, state, cmsgpack.unpack(packed))
    return
  end
  local all = redis.call('HGETALL', base .. ':y:' .. person)
  for i = 1, #all, 2 do
    local receipt = cmsgpack.unpack(all[i + 1])
    local row = onlyDoubt(account, receipt)
    if row and row.id == id then
      dropStray(person, all[i])
      resolve(row, account, receipt)
      return
    end
  end
end
`
