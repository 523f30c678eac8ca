/**
 * One call at a time for one recipient, where WeChat refuses a second one: while a message to somebody is on lease with
 * one consumer, no other consumer is given one. Within a process the gates see to it.
 *
 *     lane:<person>    '<end of the last lease> <how many are on lease> <consumer>'; a lease that is lost without a word
 *                      is over at its time. The server forgets it then by its own clock; nothing depends on that.
 *
 * Messages of other channels do not come here, so they pay nothing.
 */
export const laneFunctions = `
local function laneOf(person)
  local value = redis.call('GET', base .. ':lane:' .. person)
  if not value then return false end
  return string.match(value, '^(%d+) (%d+) (.*)$')
end

local function setLane(person, untilAt, number, consumer)
  local key = base .. ':lane:' .. person
  if number == 0 then return redis.call('DEL', key) end
  local leftMs = math.max(1, tonumber(untilAt) - tonumber(now))
  redis.call('SET', key, untilAt .. ' ' .. digits(number) .. ' ' .. consumer, 'PX', digits(leftMs))
end

-- False: the consumer has the lane. Otherwise the time at which it is free at the latest.
local function enterLane(person, untilAt, consumer)
  local busyUntil, number, holder = laneOf(person)
  if not busyUntil or tonumber(busyUntil) <= tonumber(now) then number = 0
  elseif holder ~= consumer then return tonumber(busyUntil) end
  setLane(person, untilAt, number + 1, consumer)
  return false
end

local function leaveLane(person, consumer)
  local busyUntil, number, holder = laneOf(person)
  if holder == consumer then setLane(person, busyUntil, number - 1, consumer) end
end
`
