-- The tasks that the history lacks as they are now, in indices by submission: everybody's, and of whoever has an API key
-- their own, all of them and those of each correlation ID. KEY.owners says of such a task in whose indices it is (`alice ABC-1`):
-- so it is found there after its record has expired, too. KEY.listed has everybody's again: by it and KEY.unarchived it is
-- known whether an older version, which writes that one alone, has added or taken away any.

local function indices_of(owner)
  local caller = string.match(owner, '^(%S+) ')
  return caller and {ARG.own_prefix .. caller, ARG.own_prefix .. owner} or {}
end

-- Whose the task is. Without API keys all are anyone's, who sees everybody's.
local function owner_of(record)
  local caller, correlation_id = unpack(redis.call('HMGET', record, 'caller', 'correlation_id'))
  if not caller or caller == '' or caller == ARG.anyone then return '' end
  return caller .. ' ' .. (correlation_id or '')
end

local function history_lacks(id, record, submitted_at)
  local owner = owner_of(record)
  if owner ~= '' then redis.call('HSET', KEY.owners, id, owner) end
  redis.call('SADD', KEY.listed, id)
  redis.call('ZADD', KEY.unarchived, submitted_at, id)
  for _, index in ipairs(indices_of(owner)) do redis.call('ZADD', index, submitted_at, id) end
end

local function history_has(id)
  local owner = redis.call('HGET', KEY.owners, id) or ''
  if owner ~= '' then redis.call('HDEL', KEY.owners, id) end
  redis.call('SREM', KEY.listed, id)
  redis.call('ZREM', KEY.unarchived, id)
  for _, index in ipairs(indices_of(owner)) do redis.call('ZREM', index, id) end
end
