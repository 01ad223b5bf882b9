-- Decides on one submission and, if it is taken, records and enqueues it: one step that nothing can come between.
--
-- KEYS  1 circuit breaker   2 high   3 medium   4 low   5 queue to enqueue in   6 task record
--       7 index of the correlation ID   8 idempotency key (absent when the client sent none)
-- ARGV  1 max depth   2 close depth   3 open seconds   4 record ttl (s)   5 task id   6 message
--       7 payload hash   8 idempotency ttl (s)   9… the record's fields and values
--
-- Answers {'accepted', position, transitions…} | {'replayed', task id} | {'key_reused'}
--       | {'circuit_open', seconds to wait, transitions…}
-- Invariants: accepted = recorded = enqueued; depth never passes max depth; a refusal stores nothing but the breaker.

local breaker = KEYS[1]
local max_depth, close_depth, open_seconds = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

-- 1. A key that was seen before is answered in every state of the breaker: its task has been accepted already.
if KEYS[8] then
  local seen = redis.call('GET', KEYS[8])
  if seen then
    local hash, first_task = string.match(seen, '^(%S+) (.+)$')
    if hash ~= ARGV[7] then return {'key_reused'} end
    return {'replayed', first_task}
  end
end

-- 2. The breaker.
local transitions = {}
local function go(state, wait)
  redis.call('HSET', breaker, 'state', state, 'wait', wait, 'until', string.format('%.6f', now + wait))
  table.insert(transitions, state)
end
local function refuse(wait)
  return {'circuit_open', math.max(1, math.ceil(wait)), unpack(transitions)}
end

local depth = redis.call('LLEN', KEYS[2]) + redis.call('LLEN', KEYS[3]) + redis.call('LLEN', KEYS[4])
local state = redis.call('HGET', breaker, 'state') or 'closed'
if state == 'open' then
  local reopens = tonumber(redis.call('HGET', breaker, 'until'))
  if now < reopens then return refuse(reopens - now) end
  -- This request is the one probe: the script decides on it before any other request is looked at.
  table.insert(transitions, 'half_open')
  local wait = tonumber(redis.call('HGET', breaker, 'wait'))
  if depth > close_depth then
    local longer = math.min(wait * 2, 600)
    go('open', longer)
    return refuse(longer)
  end
  go('closed', 0)
elseif depth >= max_depth then
  go('open', open_seconds)
  return refuse(open_seconds)
end

-- 3. Taken: record, queue and index agree from here on.
local record, index = KEYS[6], KEYS[7]
redis.call('HSET', record, 'status', 'PENDING', 'submitted_at', string.format('%.6f', now), unpack(ARGV, 9))
redis.call('EXPIRE', record, ARGV[4])
redis.call('ZADD', index, now, ARGV[5])
redis.call('EXPIRE', index, ARGV[4])

local position = 1
for i = 2, 4 do
  position = position + redis.call('LLEN', KEYS[i])
  if KEYS[i] == KEYS[5] then break end
end
redis.call('LPUSH', KEYS[5], ARGV[6])
if KEYS[8] then redis.call('SET', KEYS[8], ARGV[7] .. ' ' .. ARGV[5], 'EX', ARGV[8]) end
return {'accepted', position, unpack(transitions)}
