/**
 * The books on permissions, as functions of the scripts that need them. `g:<person>` is a hash: the field names template,
 * kind and name, the value is a table: p template, k kind, m name, a how many are available (false: any number), r held
 * by deliveries, u used, x when it ends, g generation, t when it changed. A handle names a field and its
 * generation: withdrawing a permission begins a new one, so that what was held before can no longer go back into
 * the count.
 */
export const grantFunctions = `
local function kindAndName(key)
  local blank = string.find(key, ' ', 1, true)
  if not blank then return key, false end
  return string.sub(key, 1, blank - 1), string.sub(key, blank + 1)
end
local function templateOf(kind, template)
  if kind == 'window' or kind == 'form' then return '' end
  return template
end
local function grantField(template, kind, name) return template .. '\\n' .. kind .. '\\n' .. (name or '') end

local function readGrant(person, field)
  local packed = redis.call('HGET', base .. ':g:' .. person, field)
  return packed and cmsgpack.unpack(packed)
end
local function writeGrant(person, field, grant)
  redis.call('HSET', base .. ':g:' .. person, field, cmsgpack.pack(grant))
end
local function touchGrant(person, field, grant)
  grant.t = tonumber(now)
  writeGrant(person, field, grant)
  redis.call('ZADD', base .. ':grants', now, person)
end
local function newGrant(template, kind, name, available, expiresAt)
  return { p = template, k = kind, m = name or '', a = available, r = 0, u = 0, x = expiresAt, g = 0, t = 0 }
end

-- What a handle still stands for; nothing when what it held has been withdrawn.
local function heldGrant(person, handle)
  if not handle then return nil end
  local generation, field = string.match(handle, '^(%d+)%.(.*)$')
  local grant = readGrant(person, field)
  if grant and grant.g == tonumber(generation) then return grant, field end
  return nil
end

-- Of those that are good, the one that ends first, and its field.
local function availableGrant(person, key, template)
  local kind, name = kindAndName(key)
  local wanted = templateOf(kind, template)
  local best, bestField
  local all = redis.call('HGETALL', base .. ':g:' .. person)
  for i = 1, #all, 2 do
    local grant = cmsgpack.unpack(all[i + 1])
    local good = grant.k == kind and grant.p == wanted and (not name or grant.m == name)
      and (not grant.a or grant.a > 0) and (not grant.x or grant.x > tonumber(now))
    if good and (not best or (grant.x and (not best.x or grant.x < best.x))) then best, bestField = grant, all[i] end
  end
  return best, bestField
end

-- Takes one off the books.
local function reserveGrant(person, key, template)
  local grant, field = availableGrant(person, key, template)
  if not grant then return false, false end
  if grant.a then grant.a = grant.a - 1 end
  grant.r = grant.r + 1
  writeGrant(person, field, grant)
  return digits(grant.g) .. '.' .. field, text(grant.m)
end

-- What a message that wants this is parked for while there is none: as \`grantCondition\` of the domain has it.
local function conditionOf(account, touser, template, key)
  return 'grant ' .. account .. ' ' .. touser .. ' ' .. templateOf((kindAndName(key)), template)
end

local function withdrawGrant(person, template, kind, name)
  local all = redis.call('HGETALL', base .. ':g:' .. person)
  for i = 1, #all, 2 do
    local grant = cmsgpack.unpack(all[i + 1])
    if grant.k == kind and grant.p == template and (not name or grant.m == name) then
      grant.a, grant.r, grant.g = 0, 0, grant.g + 1
      touchGrant(person, all[i], grant)
    end
  end
end

-- A message was sent, or may have been, for which nothing was reserved: word of its permission is still to come.
local owedMs = 600000
local function oweGrant(account, person, key, template)
  if redis.call('SISMEMBER', base .. ':books', account) == 0 then return end
  local kind, name = kindAndName(key)
  local field = grantField(templateOf(kind, template), kind, name)
  local packed = redis.call('HGET', base .. ':o:' .. person, field)
  local owed = packed and cmsgpack.unpack(packed)
  local before = (owed and owed[2] >= tonumber(now) - owedMs) and owed[1] or 0
  redis.call('HSET', base .. ':o:' .. person, field, cmsgpack.pack({ before + 1, tonumber(now) }))
  redis.call('ZADD', base .. ':owed', now, person)
end

-- What becomes of what a delivery held: used, free or void. Void withdraws all of the kind, or the one of that name.
local function settleGrant(effect, handle, account, touser, template, key)
  local person = account .. ' ' .. touser
  local grant, field = heldGrant(person, handle)
  if grant and effect == 'used' then
    grant.r, grant.u = grant.r - 1, grant.u + 1
    touchGrant(person, field, grant)
  elseif grant and effect == 'free' then
    grant.r = grant.r - 1
    if grant.a then grant.a = grant.a + 1 end
    writeGrant(person, field, grant)
  elseif not handle and effect == 'used' then
    oweGrant(account, person, key, template)
  end
  if effect ~= 'void' then return end
  local kind, name = kindAndName(key)
  if kind == 'form' and grant then name = text(grant.m) or name end
  withdrawGrant(person, templateOf(kind, template), kind, name)
end
`
