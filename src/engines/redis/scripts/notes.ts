import { grantFunctions } from './grants.ts'
import { prelude } from './prelude.ts'
import { receiptFunctions } from './receipts.ts'

const releaseFunction = `
-- Makes what is parked for a condition ready; answers how many, at most \`most\`.
local function release(condition, most)
  local ids = redis.call('SPOP', base .. ':c:' .. condition, most)
  for _, id in ipairs(ids) do
    local f = redis.call('HMGET', recordKey(id), 'ln', 'ra')
    goAtOnce(id, f[1], f[2], condition)
  end
  return #ids
end
`

/** KEYS[1] the shard. ARGV epoch, now, condition, how many at most. Result: how many messages it made ready. */
export const releaseScript = `#!lua flags=allow-oom
${prelude}${releaseFunction}
return release(ARGV[3], tonumber(ARGV[4]))
`

/**
 * The conditions that something has been parked for, but for those about one person's grant.
 *
 * KEYS[1] the shard. ARGV epoch, now. Result: the conditions.
 */
export const conditionsScript = `#!lua flags=allow-oom
${prelude}
return redis.call('SMEMBERS', base .. ':conditions')
`

/**
 * Takes note of what WeChat or a tenant tells of one person.
 *
 * KEYS[1] the shard. ARGV epoch, now, account, touser, until when the keys are remembered, how many keys, how many
 * changes of grants, whether there is a contact, whether there is a receipt (1 or 0); then the keys; then for each
 * change: template id, kind, change, whether it has a name (1 or 0), name, count, expires at, condition; then the
 * contact: at, following (1, 0 or empty), interacted (1 or empty); then the receipt: msgid, channel, template id, at,
 * kind, reason, reason as JSON, authentic (1 or 0).
 * Result: 0 if a key has been seen; else how many messages were made ready, and the id and state of what the receipt
 * has sharpened, if anything.
 */
export const noteScript = `#!lua flags=allow-oom
${prelude}${grantFunctions}${receiptFunctions}${releaseFunction}
local account, touser = ARGV[3], ARGV[4]
local person = account .. ' ' .. touser
local keys, changes = tonumber(ARGV[6]), tonumber(ARGV[7])
local at = 9
for i = 1, keys do
  local untilAt = redis.call('ZSCORE', base .. ':notes', ARGV[at + i])
  if untilAt and tonumber(untilAt) > tonumber(now) then return 0 end
end
for i = 1, keys do redis.call('ZADD', base .. ':notes', ARGV[5], ARGV[at + i]) end
at = at + keys

-- How many of those that a change brings have been used already. What is entered as it stands settles all.
local function paidBy(change, template, kind, name, number)
  local field = grantField(template, kind, kind ~= 'window' and name)
  local packed = redis.call('HGET', base .. ':o:' .. person, field)
  local owed = packed and cmsgpack.unpack(packed)
  if not owed or owed[1] == 0 or owed[2] < tonumber(now) - owedMs then return 0 end
  local all = change == 'set' and kind == 'subscribe'
  local paid = all and owed[1] or math.min(owed[1], number)
  redis.call('HSET', base .. ':o:' .. person, field, cmsgpack.pack({ owed[1] - paid, owed[2] }))
  return all and 0 or paid
end

local function changeGrant(template, kind, change, name, number, expiresAt)
  local field = grantField(template, kind, name)
  if change == 'withdraw' then
    withdrawGrant(person, template, kind, name)
    local bare = grantField(template, kind, false)
    if kind == 'subscribe' and not readGrant(person, bare) then
      touchGrant(person, bare, newGrant(template, kind, false, 0, false))
    end
    return
  end
  local available = change ~= 'lasting' and number - paidBy(change, template, kind, name, number)
  local grant = readGrant(person, field)
  if not grant then
    touchGrant(person, field, newGrant(template, kind, name, available, expiresAt))
    return
  end
  -- A form id exists once, however often it is reported.
  if kind == 'form' then return end
  if change == 'add' then
    if grant.x and grant.x <= tonumber(now) then grant.a = available
    elseif grant.a then grant.a = grant.a + available end
    grant.x = expiresAt or grant.x
  else
    -- What deliveries hold may be counted by WeChat against the new allowance: it is taken off, and comes back if freed.
    grant.a = available and math.max(0, available - grant.r)
    grant.x = expiresAt
  end
  touchGrant(person, field, grant)
end

local released = 0
for i = at + 1, at + changes * 8, 8 do
  redis.call('SADD', base .. ':books', account)
  local name = ARGV[i + 3] == '1' and ARGV[i + 4]
  local expiresAt = text(ARGV[i + 6])
  changeGrant(ARGV[i], ARGV[i + 1], ARGV[i + 2], name, tonumber(text(ARGV[i + 5]) or 0), expiresAt and tonumber(expiresAt))
  if ARGV[i + 2] ~= 'withdraw' then released = released + release(ARGV[i + 7], 5000) end
end
at = at + changes * 8

if ARGV[8] == '1' then
  local contact = base .. ':h:' .. person
  local when = tonumber(ARGV[at + 1])
  if ARGV[at + 2] ~= '' and tonumber(redis.call('HGET', contact, 'fa') or 0) <= when then
    redis.call('HSET', contact, 'f', ARGV[at + 2], 'fa', ARGV[at + 1])
  end
  if ARGV[at + 3] ~= '' and tonumber(redis.call('HGET', contact, 'ia') or 0) <= when then
    redis.call('HSET', contact, 'ia', ARGV[at + 1])
  end
  at = at + 3
end

local sharpened
if ARGV[9] == '1' then
  sharpened = takeReceipt(account, { touser = touser, msgid = text(ARGV[at + 1]), channel = ARGV[at + 2],
    template = text(ARGV[at + 3]), at = tonumber(ARGV[at + 4]), kind = ARGV[at + 5], reason = text(ARGV[at + 6]),
    reasonJson = text(ARGV[at + 7]), authentic = ARGV[at + 8] == '1' })
end
if sharpened then return { released, sharpened[1], sharpened[2] } end
return { released }
`

/** The account has books from now on. KEYS[1] the shard. ARGV epoch, now, account. */
export const booksScript = `#!lua flags=allow-oom
${prelude}
return redis.call('SADD', base .. ':books', ARGV[3])
`

/**
 * What the books hold of one person.
 *
 * KEYS[1] the shard. ARGV epoch, now, person. Result: for each grant: template id, kind, name, how many are left (false:
 * any number), reserved, used, expires at or false, updated at.
 */
export const grantsScript = `#!lua flags=allow-oom
${prelude}
local results = {}
local all = redis.call('HGETALL', base .. ':g:' .. ARGV[3])
for i = 1, math.min(#all, 2000), 2 do
  local g = cmsgpack.unpack(all[i + 1])
  results[#results + 1] = { g.p, g.k, g.m, g.a and digits(g.a), digits(g.r), digits(g.u), g.x and digits(g.x), digits(g.t) }
end
return results
`

/**
 * What is known of one person.
 *
 * KEYS[1] the shard. ARGV epoch, now, person. Result: following (1 or 0), following since, interacted at; or false.
 */
export const contactScript = `#!lua flags=allow-oom
${prelude}
return redis.call('HMGET', base .. ':h:' .. ARGV[3], 'f', 'fa', 'ia')
`
