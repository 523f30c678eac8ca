import { prelude } from './prelude.ts'

/**
 * Takes a node's report and answers what all have told. The nodes stand in the first shard: hashes `nodes` (id → report),
 * `nodes:at` (id → when it told so), `nodes:drain` (id → is there while it is asked to drain), and `nodes:upkeep`, the
 * id of the node that does the upkeep.
 *
 * KEYS[1] the shard. ARGV epoch, now, id, report, before when whoever told last is forgotten, whether this node would do
 * the upkeep (1 or 0), the node that did it and is gone (empty: none).
 * Result: the id of the node that does the upkeep, or false; then for each node its report and whether it is asked to
 * drain (1 or 0).
 */
export const beatScript = `#!lua flags=allow-oom
${prelude}
local id, report, before, may, gone = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1', ARGV[7]
local reports, at, drain, upkeep = base .. ':nodes', base .. ':nodes:at', base .. ':nodes:drain', base .. ':nodes:upkeep'
redis.call('HSET', reports, id, report)
redis.call('HSET', at, id, now)

local holder = redis.call('GET', upkeep)
if holder and (holder == gone or redis.call('HEXISTS', reports, holder) == 0) then holder = false end
if not may and holder == id then holder = false end
if may and not holder then holder = id end
if holder then redis.call('SET', upkeep, holder) else redis.call('DEL', upkeep) end

local results = { holder }
local told = redis.call('HGETALL', reports)
for i = 1, #told, 2 do
  local toldAt = redis.call('HGET', at, told[i])
  if tonumber(toldAt) < before then
    redis.call('HDEL', reports, told[i])
    redis.call('HDEL', at, told[i])
    redis.call('HDEL', drain, told[i])
  else
    results[#results + 1] = told[i + 1]
    results[#results + 1] = redis.call('HEXISTS', drain, told[i])
  end
end
return results
`

/** A node is no more. KEYS[1] the shard. ARGV epoch, now, id. */
export const leaveScript = `#!lua flags=allow-oom
${prelude}
for _, name in ipairs({ ':nodes', ':nodes:at', ':nodes:drain' }) do redis.call('HDEL', base .. name, ARGV[3]) end
if redis.call('GET', base .. ':nodes:upkeep') == ARGV[3] then redis.call('DEL', base .. ':nodes:upkeep') end
return 1
`

/**
 * Asks a node to drain, or to work again.
 *
 * KEYS[1] the shard. ARGV epoch, now, id, 1 to drain or 0. Result: 1, or 0 when there is no such node.
 */
export const orderScript = `#!lua flags=allow-oom
${prelude}
if redis.call('HEXISTS', base .. ':nodes', ARGV[3]) == 0 then return 0 end
if ARGV[4] == '1' then redis.call('HSET', base .. ':nodes:drain', ARGV[3], 1)
else redis.call('HDEL', base .. ':nodes:drain', ARGV[3]) end
return 1
`
