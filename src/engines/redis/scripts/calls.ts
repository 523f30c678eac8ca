import { prelude } from './prelude.ts'

/** Who has not told of an API for so long does not count among its processes, and what it kept counts as used. */
const goneMs = 60_000
/** Who is quiet for so long has no calls under way any more, and will not begin any. */
const quietMs = 15_000
/** Who asked in vain is the next one for so long. */
const nextMs = 1000

/**
 * Grants a process some of the calls that all share to one API of one account: as many as it wants, and at most half of
 * its part of what is left, so that nobody has to wait for what another one keeps. Who got nothing gets the next one.
 *
 *     calls:<account> <path>:<end of the day>      hash, by process: number of its last request, calls begun that day,
 *                      kept, under way, time of its last word; '+': calls that nobody here has begun; '!': who is next; '*':
 *                      until when there is nothing
 *     calls:<account> <path>:<end of the minute>   hash, by process: calls begun in that minute, kept
 *
 * Days and minutes are the caller's own, each with a key of its own, so clocks that differ count in different ones and
 * none is counted too low.
 *
 * KEYS[1] the shard. ARGV epoch, now, account and path, process, number of the request, end of the day, end of the
 * minute, begun in them, kept, under way, wanted, limits of the day, of the minute, near, few (at once when near), at
 * once otherwise ('' where there is none), what to add to '+', for how long there is nothing from now on.
 * Result: granted, used of the day, used of the minute, left ('' without a limit), kept by others, how many processes.
 */
export const takeScript = `#!lua flags=allow-oom
${prelude}
local me, number = ARGV[4], tonumber(ARGV[5])
local dayKey = base .. ':calls:' .. ARGV[3] .. ':' .. ARGV[6]
local minuteKey = base .. ':calls:' .. ARGV[3] .. ':' .. ARGV[7]
local begun, begunInMinute, kept, underWay, want = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]),
  tonumber(ARGV[11]), tonumber(ARGV[12])
local function limit(i) return ARGV[i] == '' and math.huge or tonumber(ARGV[i]) end
local time = tonumber(now)

local used, keptByOthers, atOthers, nodes = begun, 0, 0, 1
local nextOne, isLate
local stopUntil = 0
local all = redis.call('HGETALL', dayKey)
for i = 1, #all, 2 do
  local who, value = all[i], all[i + 1]
  if who == '+' then used = used + tonumber(value)
  elseif who == '!' then
    local name, untilAt = string.match(value, '^(%S+) (%d+)$')
    if tonumber(untilAt) > time then nextOne = name end
  elseif who == '*' then stopUntil = tonumber(value)
  else
    local last, theirs, keeps, calls, at = string.match(value, '^(%d+) (%S+) (%S+) (%d+) (%d+)$')
    if who == me then isLate = tonumber(last) >= number
    else
      used = used + tonumber(theirs)
      if tonumber(at) + ${goneMs} <= time then used = used + tonumber(keeps)
      else
        keptByOthers, nodes = keptByOthers + tonumber(keeps), nodes + 1
        if tonumber(at) + ${quietMs} > time then atOthers = atOthers + tonumber(keeps) + tonumber(calls) end
      end
    end
  end
end
if isLate then return { 0, digits(used), 0, '', digits(keptByOthers), nodes } end
if ARGV[18] ~= '0' then
  used = used + tonumber(ARGV[18])
  redis.call('HINCRBY', dayKey, '+', ARGV[18])
end

if ARGV[19] ~= '0' then
  stopUntil = math.max(stopUntil, time + tonumber(ARGV[19]))
  redis.call('HSET', dayKey, '*', digits(stopUntil))
end
if stopUntil > time then want = 0 end

local usedInMinute, takenInMinute = begunInMinute, begunInMinute + kept
local inMinute = redis.call('HGETALL', minuteKey)
for i = 1, #inMinute, 2 do
  if inMinute[i] ~= me then
    local theirs, keeps = string.match(inMinute[i + 1], '^(%S+) (%S+)$')
    usedInMinute = usedInMinute + tonumber(theirs)
    takenInMinute = takenInMinute + tonumber(theirs) + tonumber(keeps)
  end
end

local taken = used + keptByOthers + kept
local left = limit(13) - taken
local room = math.min(left, limit(14) - takenInMinute)
local part = nodes == 1 and room or math.max(math.min(room, 1), math.floor(room / (2 * nodes)))
local atOnce = limit(17)
if taken < limit(15) then part = math.min(part, limit(15) - taken) else atOnce = math.min(atOnce, tonumber(ARGV[16])) end
local places = math.min(room, atOnce - atOthers - kept - underWay)
local granted = math.max(0, math.min(want, part, places))
if want > 0 and room > 0 then
  if nextOne and nextOne ~= me then granted = math.max(0, math.min(granted, places - 1))
  elseif granted == 0 then redis.call('HSET', dayKey, '!', me .. ' ' .. digits(time + ${nextMs}))
  elseif nextOne then redis.call('HDEL', dayKey, '!') end
end

redis.call('HSET', dayKey, me, digits(number) .. ' ' .. digits(begun) .. ' ' .. digits(kept + granted) .. ' ' ..
  digits(underWay) .. ' ' .. now)
redis.call('PEXPIRE', dayKey, 172800000)
redis.call('HSET', minuteKey, me, digits(begunInMinute) .. ' ' .. digits(kept + granted))
redis.call('PEXPIRE', minuteKey, 300000)
return { digits(granted), digits(used), digits(usedInMinute),
  left == math.huge and '' or digits(math.max(0, left - granted)), digits(keptByOthers), nodes }
`

/**
 * Whether nobody has asked about something for a while; if so, it is asked now.
 *
 * KEYS[1] the shard. ARGV epoch, now, name, for how many milliseconds. Result: 1 or 0.
 */
export const askScript = `#!lua flags=allow-oom
${prelude}
local key = base .. ':asked:' .. ARGV[3]
local at = tonumber(redis.call('GET', key) or '0')
-- A time to come is that of a clock that was set back.
if at <= tonumber(now) and tonumber(now) < at + tonumber(ARGV[4]) then return 0 end
redis.call('SET', key, now, 'PX', 3600000)
return 1
`
