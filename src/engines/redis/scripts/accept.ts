import { batchFunctions } from './batches.ts'
import { prelude } from './prelude.ts'

/**
 * Takes messages in: each that is not there yet gets its record and its place in the queue.
 *
 * KEYS[1] the shard. ARGV epoch, now, then for each message: id, tenant, account, channel, lane (0 is the most urgent),
 * touser, template id, body, accepted at, send at, expires at, extra (JSON of the rarer fields), careful ('1': a call
 * must be noted before it is made), grant key, place in the order of acceptance, known ('1': its id was reserved for it
 * earlier, so it may have been here; it is not taken in).
 * Result: for each message, false if it was taken in, else the state of the message that has this id; empty if it is
 * known but not here.
 *
 * Fields of a record: tn tenant, ac account, ch channel, ln lane, to touser, tp template, bd body, aa accepted at, sa
 * send at, xa expires at, xt extra, cf careful, gk grant key; st state, rs reason, ra ready at, n deliveries, tr tries,
 * ds doubt since, la leased at, bg begun, co condition, gh grant handle, mi msgid, up updated at, en its entry in the
 * stream; once it is final os, oa: how and when it ended; rc: a receipt has sharpened it. Of what a history is told: v
 * how many events, ev the latest of them.
 *
 * When memory is full this is refused as a whole; everything else goes on, so that the queue can be drained.
 */
export const acceptScript = `#!lua
${prelude}${batchFunctions}
local results = {}
for i = 3, #ARGV, 16 do
  local id, tenant, lane, acceptedAt, sendAt = ARGV[i], ARGV[i + 1], ARGV[i + 4], ARGV[i + 8], ARGV[i + 9]
  local record = recordKey(id)
  local known = redis.call('HGET', record, 'st') or (ARGV[i + 15] == '1' and '')
  results[#results + 1] = known
  if not known then
    local state = tonumber(sendAt) > tonumber(acceptedAt) and 'scheduled' or 'queued'
    local fields = { 'HSET', record, 'tn', tenant, 'ac', ARGV[i + 2], 'ch', ARGV[i + 3], 'ln', lane, 'to', ARGV[i + 5],
      'tp', ARGV[i + 6], 'bd', ARGV[i + 7], 'aa', acceptedAt, 'sa', sendAt, 'xa', ARGV[i + 10], 'st', state,
      'ra', sendAt, 'n', 0, 'tr', 0, 'up', acceptedAt }
    local function set(name, value)
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
    if ARGV[i + 11] ~= '' then set('xt', ARGV[i + 11]) end
    if ARGV[i + 12] == '1' then set('cf', '1') end
    if ARGV[i + 13] ~= '' then set('gk', ARGV[i + 13]) end
    if tonumber(sendAt) <= tonumber(now) then
      set('en', redis.call('XADD', streamKey(lane), '*', 'id', id, 'at', sendAt))
    else redis.call('ZADD', dueKey(lane), sendAt, id) end
    redis.call(unpack(fields))
    later('ZADD', base .. ':tenant:' .. tenant, nil, ARGV[i + 14], id)
    redis.call('ZADD', base .. ':p:' .. ARGV[i + 2] .. ' ' .. ARGV[i + 5], ARGV[i + 14], id)
    later('SADD', base .. ':open', nil, id)
    countLater(tenant, false, state)
    if telling then tellAccepted(id) end
  end
end
doWhatWasPutOff()
return results
`

/**
 * Gives each idempotency key to the first message that asks for it. The shard is that of the key, which may be another
 * than that of the message: a crash before the message is taken in leaves a key that its repeat takes up again. A key
 * outlives its message: `st` says how that ended, `xa` until when the key is still taken.
 *
 * KEYS[1] the shard. ARGV epoch, now, then for each key: tenant, key, id, fingerprint, number of the message's shard.
 * Result: for each key: id, fingerprint, shard of whoever has it now, and, if that is not to be looked for there any
 * more, how it ended.
 */
export const reserveKeysScript = `#!lua
${prelude}
local results = {}
for i = 3, #ARGV, 5 do
  local key = base .. ':i:' .. ARGV[i] .. '\\n' .. ARGV[i + 1]
  local holder = redis.call('HMGET', key, 'id', 'fp', 'sh', 'st', 'xa')
  if not holder[1] or (holder[5] and tonumber(holder[5]) <= tonumber(now)) then
    redis.call('DEL', key)
    redis.call('HSET', key, 'id', ARGV[i + 2], 'fp', ARGV[i + 3], 'sh', ARGV[i + 4])
    holder = { ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], false }
  end
  results[#results + 1] = { holder[1], holder[2], holder[3], holder[4] }
end
return results
`

/**
 * Says of keys how their messages have ended, before those are forgotten: from now on they stand for themselves, until
 * their time is over. The server then removes them by itself.
 *
 * KEYS[1] the shard. ARGV epoch, now, then for each key: tenant, key, id of the message that must have it, its state,
 * until when the key is taken.
 */
export const endKeysScript = `#!lua flags=allow-oom
${prelude}
for i = 3, #ARGV, 5 do
  local key = base .. ':i:' .. ARGV[i] .. '\\n' .. ARGV[i + 1]
  if redis.call('HGET', key, 'id') == ARGV[i + 2] then
    redis.call('HSET', key, 'st', ARGV[i + 3], 'xa', ARGV[i + 4])
    redis.call('PEXPIRE', key, digits(math.max(1, ARGV[i + 4] - now)))
  end
end
return 1
`
