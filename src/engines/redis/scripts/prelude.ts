/**
 * What all scripts share.
 *
 * A shard is all keys with one hash tag; a script works on one shard, so its keys lie on one node of a cluster. A
 * script is given the shard's name (`hongyan:{s0}`) and makes the names of the keys from it:
 *
 *     epoch            a word that is made with the shard; another one, or none, means that data was lost
 *     m:<id>           hash, the record of a message: the truth; see `accept.ts` for its fields
 *     t:<id>           list, its timeline, one step as JSON each
 *     ready:<lane>     stream, what is ready: entries {id, at}; the group `workers` has pending what is on lease
 *     due:<lane>       sorted set of ids by the time at which they are ready: scheduled, to be tried again, parked, and
 *                      what is on lease, by the end of its lease
 *     c:<condition>    set of ids that are parked for the condition
 *     conditions       set of the conditions that are not about one person's grant
 *     telling          is there while a history wants to be told; events: stream of what it has not been told yet; told:
 *                      is there once it has been told of all that is older than its wish; recorder: hash, who tells it
 *     tenant:<tenant>  sorted set of ids by acceptance, for searches; counts:<tenant> hash of state → how many
 *     p:<person>       sorted set of ids by acceptance; a person is `<account> <touser>`
 *     w:<account> <msgid>   set of ids that WeChat has given this number
 *     open             set of ids that are not final
 *     final            sorted set of ids by the time at which they became final, for retention
 *     g:, o:, h:, y:   of a person: grants, owed grants, what is known of them, receipts without a message
 *     shelf:<name>     a text that processes replace by turns; the server itself forgets it
 *     grants, owed, strays, notes   sorted sets by time, so that what is old can be found
 *
 * Every script begins with ARGV[1], the epoch, and ARGV[2], the time of now in milliseconds since 1970 UTC, and answers
 * the error `EPOCH` when the epoch is another one. Absent values are the empty text in arguments and false in results.
 */
export const prelude = `
local base = KEYS[1]
if redis.call('GET', base .. ':epoch') ~= ARGV[1] then return redis.error_reply('EPOCH the shard has lost its data') end
local now = ARGV[2]
local group = 'workers'
local function text(value) if value == '' then return false end return value end
local function digits(number) return string.format('%.0f', number) end
local function recordKey(id) return base .. ':m:' .. id end
local function streamKey(lane) return base .. ':ready:' .. lane end
local function dueKey(lane) return base .. ':due:' .. lane end

local function count(tenant, from, to)
  local key = base .. ':counts:' .. tenant
  if from then redis.call('HINCRBY', key, from, -1) end
  if to then redis.call('HINCRBY', key, to, 1) end
end

local telling = redis.call('EXISTS', base .. ':telling') == 1

-- Notes where the message stands now, with the step that brought it there, for a history that is kept elsewhere.
local function tellState(id, f, version, step)
  local entry = redis.call('XADD', base .. ':events', '*', 'id', id, 'v', version, 'tn', f[1], 'st', f[2],
    'rs', f[3] or '', 'ra', f[4] or '', 'n', f[5], 'ds', f[6] or '', 'mi', f[7] or '', 'up', f[8], 'step', step or '')
  redis.call('HSET', recordKey(id), 'v', version, 'ev', entry)
end

local function tellAccepted(id)
  redis.call('HSET', recordKey(id), 'v', 0, 'ev', redis.call('XADD', base .. ':events', '*', 'id', id))
end

-- Tells all that has happened to it. A message that is older than the wish to be told has its whole past to tell.
local function tell(id, step)
  if not telling then return end
  local f = redis.call('HMGET', recordKey(id), 'tn', 'st', 'rs', 'ra', 'n', 'ds', 'mi', 'up', 'v')
  if f[9] then return tellState(id, f, f[9] + 1, step) end
  tellAccepted(id)
  local steps = redis.call('LRANGE', base .. ':t:' .. id, 0, -1)
  for version, past in ipairs(steps) do tellState(id, f, version, past) end
  if #steps == 0 or not step then tellState(id, f, #steps + 1, '') end
end

-- Makes a message ready: from now on it stands in the stream of its lane.
local function push(lane, id, readyAt)
  local entry = redis.call('XADD', streamKey(lane), '*', 'id', id, 'at', readyAt)
  redis.call('HSET', recordKey(id), 'en', entry)
end

-- Takes an entry out of the stream, whether it is pending or not. XACK alone would leave it there for ever.
local function pull(lane, entry)
  redis.call('XACK', streamKey(lane), group, entry)
  redis.call('XDEL', streamKey(lane), entry)
end

local function addStep(id, step, keep)
  local key = base .. ':t:' .. id
  local length = redis.call('RPUSH', key, step)
  if length > 2 * keep then
    redis.call('LSET', key, keep, '')
    redis.call('LREM', key, 1, '')
  end
end
local keptSteps = 100

-- The message waits no longer for its condition, nor until its time.
local function goAtOnce(id, lane, readyAt, condition)
  redis.call('SREM', base .. ':c:' .. condition, id)
  redis.call('HDEL', recordKey(id), 'co')
  if not readyAt or tonumber(readyAt) <= tonumber(now) then return end
  redis.call('HSET', recordKey(id), 'ra', now)
  redis.call('ZADD', dueKey(lane), now, id)
  tell(id)
end

-- The message is final from now on.
local function finish(id, state)
  redis.call('HSET', recordKey(id), 'os', state, 'oa', now)
  redis.call('ZADD', base .. ':final', now, id)
  redis.call('SREM', base .. ':open', id)
end

-- The message leaves the queue: neither ready, nor due, nor parked for a condition.
local function leave(id, lane, entry, condition)
  if entry then pull(lane, entry) end
  redis.call('ZREM', dueKey(lane), id)
  if condition then redis.call('SREM', base .. ':c:' .. condition, id) end
  redis.call('HDEL', recordKey(id), 'en', 'co', 'ra', 'gh')
end
`
