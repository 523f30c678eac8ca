import { prelude } from './prelude.ts'
import { readFunction } from './reads.ts'

/**
 * What a shard has, whatever its epoch.
 *
 * KEYS[1] the shard. Result: its epoch or false, the migration it is of or false, whether it holds anything (1 or 0).
 */
export const contentsScript = `#!lua flags=no-writes
local base = KEYS[1]
local held = 0
for _, name in ipairs({ 'open', 'final', 'grants', 'owed', 'strays', 'notes', 'nonces', 'books', 'd:tenant', 'd:key',
  'd:account' }) do
  if redis.call('EXISTS', base .. ':' .. name) == 1 then held = 1 end
end
return { redis.call('GET', base .. ':epoch'), redis.call('HGET', base .. ':migration', 'id'), held }
`

/**
 * Begins a migration, or goes on with it. KEYS[1] the first shard. ARGV id, its epoch.
 * Result: 1, or 0 when another one has begun, or this one has gone live or lost its data.
 */
export const beginMigrationScript = `#!lua
local base = KEYS[1]
local id = redis.call('HGET', base .. ':migration', 'id')
if id then
  if id == ARGV[1] and redis.call('GET', base .. ':epoch') == ARGV[2] then return 1 end
  return 0
end
redis.call('HSET', base .. ':migration', 'id', ARGV[1])
redis.call('SET', base .. ':epoch', ARGV[2])
return 1
`

/**
 * From now on engines open. KEYS[1] the first shard. ARGV the epoch of the migration, now, the epoch after it.
 * Result: 1, or the error `EPOCH`.
 */
export const goLiveScript = `#!lua flags=allow-oom
${prelude}
redis.call('HSET', base .. ':migration', 'at', now)
redis.call('SET', base .. ':epoch', ARGV[3])
return 1
`

/** KEYS[1] the shard. ARGV epoch, now. Result: how many messages there are. */
export const messagesScript = `#!lua
${prelude}
return redis.call('SCARD', base .. ':open') + redis.call('ZCARD', base .. ':final')
`

/**
 * Writes what is not there yet, as other scripts would have.
 *
 * KEYS[1] the shard. ARGV epoch, now, then for each: how it lies there, key behind the name of the shard, field or
 * member, value or score. It lies there as `field` of a hash; as `packed`, a field whose value is a table, given as
 * JSON; as `member` of a sorted set; or as `latest`, a member whose score is the highest that has been given.
 */
export const putScript = `#!lua
${prelude}
for i = 3, #ARGV, 4 do
  local how, key, name, value = ARGV[i], base .. ':' .. ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if how == 'field' then redis.call('HSETNX', key, name, value)
  elseif how == 'packed' then redis.call('HSETNX', key, name, cmsgpack.pack(cjson.decode(value)))
  elseif how == 'member' then redis.call('ZADD', key, 'NX', value, name)
  else redis.call('ZADD', key, 'GT', value, name) end
end
return 1
`

/**
 * The same the other way.
 *
 * KEYS[1] the shard. ARGV epoch, now, then for each: how it lies there, key, field or member. Result: for each its value
 * (a table as JSON) or its score; false if it is not there.
 */
export const getScript = `#!lua
${prelude}
local results = {}
for i = 3, #ARGV, 3 do
  local how, key, name = ARGV[i], base .. ':' .. ARGV[i + 1], ARGV[i + 2]
  local value
  if how == 'field' or how == 'packed' then value = redis.call('HGET', key, name)
  else value = redis.call('ZSCORE', key, name) end
  if value and how == 'packed' then value = cjson.encode(cmsgpack.unpack(value)) end
  if value and (how == 'member' or how == 'latest') then value = digits(tonumber(value)) end
  results[#results + 1] = value
end
return results
`

/**
 * Puts messages where they were, each as a whole unless it is there.
 *
 * KEYS[1] the shard. ARGV epoch, now, then for each message the 15 of `acceptScript`, and: state, reason, ready at,
 * deliveries, tries, doubt since, leased at, begun ('1' or '0'), condition, grant handle, msgid, updated at, how it ended,
 * when, whether a receipt has sharpened that ('1'), its steps as a JSON array of texts.
 *
 * What waits goes among what is due, by its time, whether that has come or not: the next look makes it ready.
 */
export const putMessagesScript = `#!lua
${prelude}
local function put(i)
  local id, tenant, account, lane, touser = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 4], ARGV[i + 5]
  local record = recordKey(id)
  if redis.call('EXISTS', record) == 1 then return end
  local state, readyAt, condition, msgid = ARGV[i + 15], ARGV[i + 17], text(ARGV[i + 23]), text(ARGV[i + 25])
  local ended, endedAt = text(ARGV[i + 27]), ARGV[i + 28]
  redis.call('HSET', record, 'tn', tenant, 'ac', account, 'ch', ARGV[i + 3], 'ln', lane, 'to', touser,
    'tp', ARGV[i + 6], 'bd', ARGV[i + 7], 'aa', ARGV[i + 8], 'sa', ARGV[i + 9], 'xa', ARGV[i + 10], 'st', state,
    'n', ARGV[i + 18], 'tr', ARGV[i + 19], 'up', ARGV[i + 26])
  local function set(field, value) if value ~= '' then redis.call('HSET', record, field, value) end end
  set('xt', ARGV[i + 11])
  if ARGV[i + 12] == '1' then set('cf', '1') end
  set('gk', ARGV[i + 13])
  set('rs', ARGV[i + 16])
  set('ds', ARGV[i + 20])
  set('la', ARGV[i + 21])
  if msgid then
    set('mi', msgid)
    redis.call('SADD', base .. ':w:' .. account .. ' ' .. msgid, id)
  end
  if ended then
    redis.call('HSET', record, 'os', ended, 'oa', endedAt)
    if ARGV[i + 29] == '1' then set('rc', '1') end
    redis.call('ZADD', base .. ':final', endedAt, id)
  else
    redis.call('HSET', record, 'ra', readyAt, 'bg', ARGV[i + 22])
    set('gh', ARGV[i + 24])
    redis.call('ZADD', dueKey(lane), readyAt, id)
    redis.call('SADD', base .. ':open', id)
  end
  if condition then
    set('co', condition)
    redis.call('SADD', base .. ':c:' .. condition, id)
    if string.sub(condition, 1, 6) ~= 'grant ' then redis.call('SADD', base .. ':conditions', condition) end
  end
  for _, step in ipairs(cjson.decode(ARGV[i + 30])) do redis.call('RPUSH', base .. ':t:' .. id, step) end
  redis.call('ZADD', base .. ':tenant:' .. tenant, ARGV[i + 14], id)
  redis.call('ZADD', base .. ':p:' .. account .. ' ' .. touser, ARGV[i + 14], id)
  count(tenant, false, state)
end
for i = 3, #ARGV, 31 do put(i) end
return 1
`

/**
 * Messages as a migration has put them. One that is missing wherever it should stand is as good as not there.
 *
 * KEYS[1] the shard. ARGV epoch, now, then ids. Result: for each its record, and: tries, leased at or false,
 * begun, condition or false, grant handle or false, how it ended or false, when, whether a receipt has sharpened that;
 * or false.
 */
export const getMessagesScript = `#!lua
${prelude}${readFunction}
local function stands(id, f, g)
  local place = redis.call('ZSCORE', base .. ':tenant:' .. f[1], id)
  if not place or place ~= redis.call('ZSCORE', base .. ':p:' .. f[2] .. ' ' .. f[5], id) then return false end
  if f[17] and redis.call('SISMEMBER', base .. ':w:' .. f[2] .. ' ' .. f[17], id) == 0 then return false end
  if g[4] and redis.call('SISMEMBER', base .. ':c:' .. g[4], id) == 0 then return false end
  local final = redis.call('ZSCORE', base .. ':final', id)
  local due = redis.call('ZSCORE', dueKey(f[4]), id)
  local open = redis.call('SISMEMBER', base .. ':open', id) == 1
  if g[6] then return tonumber(final) == tonumber(g[7]) and not due and not open end
  return due and tonumber(due) == tonumber(f[14]) and not final and open
end
local results = {}
for i = 3, #ARGV do
  local f = read(ARGV[i])
  if f then
    local g = redis.call('HMGET', recordKey(ARGV[i]), 'tr', 'la', 'bg', 'co', 'gh', 'os', 'oa', 'rc')
    f = stands(ARGV[i], f, g) and { f, g }
  end
  results[#results + 1] = f
end
return results
`
