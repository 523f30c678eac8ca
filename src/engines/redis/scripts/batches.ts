/**
 * For scripts that handle many messages at once: a call to Redis from a script costs more than most commands do, so what
 * one command can do for all of them is put off to the end of the script. Records are written at once, for the next
 * message may look at them; only what no step of the script looks at may be put off.
 */
export const batchFunctions = `
local put = {}

-- One call of the command with all values that were put off for it; \`extra\` stands between the key and them.
local function later(command, key, extra, ...)
  local name = command .. ' ' .. key
  local batch = put[name]
  if not batch then
    batch = { command, key, extra }
    batch.empty = #batch
    put[name] = batch
    put[#put + 1] = batch
  end
  for i = 1, select('#', ...) do batch[#batch + 1] = select(i, ...) end
  -- Lua passes so many arguments at most.
  if #batch > 4000 then
    redis.call(unpack(batch))
    for i = #batch, batch.empty + 1, -1 do batch[i] = nil end
  end
end

local counted = {}
local function countLater(tenant, from, to)
  local counts = counted[tenant]
  if not counts then
    counts = {}
    counted[tenant] = counts
  end
  if from then counts[from] = (counts[from] or 0) - 1 end
  if to then counts[to] = (counts[to] or 0) + 1 end
end

local function doWhatWasPutOff()
  for _, batch in ipairs(put) do
    if #batch > batch.empty then redis.call(unpack(batch)) end
  end
  for tenant, counts in pairs(counted) do
    for state, by in pairs(counts) do
      if by ~= 0 then redis.call('HINCRBY', base .. ':counts:' .. tenant, state, by) end
    end
  end
end
`
