-- Decides on one submission and, if it is taken, records and enqueues it: one step that nothing can come between.
--
-- KEYS  1 circuit breaker   2 high   3 medium   4 low   5 queue to enqueue in   6 task record
--       7 index of the correlation ID   8 the message by itself   9 drain   10 workers   11 worker slots
--       12 messages that workers hold   13 open tasks   14 idempotency key (absent when the client sent none)
-- ARGV  1 max depth   2 close depth   3 open seconds   4 record ttl (s)   5 task id   6 message
--       7 payload hash   8 idempotency ttl (s)   9 seconds for which a heartbeat counts
--       10… the record's fields and values
--
-- Answers {'accepted', position, estimated start (s since 1970, or ''), transitions…} | {'replayed', task id}
--       | {'key_reused'} | {'circuit_open', seconds to wait, transitions…}
-- Invariants: accepted = recorded = enqueued; depth never passes max depth; a refusal stores nothing but the breaker.

local breaker = KEYS[1]
local max_depth, close_depth, open_seconds = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local longest_wait = 600
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

-- 1. A key that was seen before is answered in every state of the breaker: its task has been accepted already.
if KEYS[14] then
  local seen = redis.call('GET', KEYS[14])
  if seen then
    local hash, first_task = string.match(seen, '^(%S+) (.+)$')
    if hash ~= ARGV[7] then return {'key_reused'} end
    return {'replayed', first_task}
  end
end

-- So is a task that this very request has brought already: the answer was lost with Redis, and it asks again.
if redis.call('EXISTS', KEYS[6]) == 1 then return {'accepted', 1, ''} end

local waiting, depth = {}, 0
for i = 2, 4 do
  waiting[i] = redis.call('LLEN', KEYS[i])
  depth = depth + waiting[i]
end

-- Seconds between two starts while tasks wait, by the queue's own measure or else by all queues'; nil when none was made.
local function gap(queue)
  local own, all = unpack(redis.call('HMGET', KEYS[9], queue, 'all'))
  return tonumber(own or all or nil)
end

-- 2. The breaker.
local transitions = {}
local function note(state)
  table.insert(transitions, state)
  redis.call('HINCRBY', breaker, 'count:' .. state, 1)
end
local function go(state, wait)
  redis.call('HSET', breaker, 'state', state, 'wait', wait, 'until', string.format('%.6f', now + wait))
  note(state)
end

-- Retry-After is a promise: not before the breaker may close, nor before the backlog is worked off at its measured pace.
local function refuse(wait)
  local backlog = math.max(0, depth - close_depth) * (gap('all') or 0)
  local seconds = math.min(math.max(wait, backlog), math.max(wait, longest_wait))
  return {'circuit_open', math.max(1, math.ceil(seconds)), unpack(transitions)}
end

local state = redis.call('HGET', breaker, 'state') or 'closed'
if state == 'open' then
  local reopens = tonumber(redis.call('HGET', breaker, 'until'))
  if now < reopens then return refuse(reopens - now) end
  -- This request is the one probe: the script decides on it before any other request is looked at, so its permit needs
  -- no lease that could be lost with its holder.
  note('half_open')
  local wait = tonumber(redis.call('HGET', breaker, 'wait'))
  if depth > close_depth then
    local longer = math.min(wait * 2, longest_wait)
    go('open', longer)
    return refuse(longer)
  end
  go('closed', 0)
elseif depth >= max_depth then
  go('open', open_seconds)
  return refuse(open_seconds)
end

-- 3. What to promise: its turn comes when those served before it have started, each after its queue's gap.
local position, backlog_seconds = 1, 0
for i = 2, 4 do
  position = position + waiting[i]
  backlog_seconds = backlog_seconds + waiting[i] * (gap(KEYS[i]) or 0)
  if KEYS[i] == KEYS[5] then break end
end
local function estimated_start()
  local alive = redis.call('ZRANGEBYSCORE', KEYS[10], now - tonumber(ARGV[9]), '+inf')
  if #alive == 0 then return '' end
  local free = -redis.call('HLEN', KEYS[12])
  for _, slots in ipairs(redis.call('HMGET', KEYS[11], unpack(alive))) do free = free + (tonumber(slots or nil) or 0) end
  if position <= free then return string.format('%.6f', now) end
  local own = gap(KEYS[5])
  if not own then return '' end
  return string.format('%.6f', now + math.max(own, backlog_seconds + own * (1 - math.max(0, free))))
end
local starts = estimated_start()

-- 4. Taken: record, queue and index agree from here on.
local record, index, ttl = KEYS[6], KEYS[7], ARGV[4]
redis.call('HSET', record, 'status', 'PENDING', 'submitted_at', string.format('%.6f', now), unpack(ARGV, 10))
if starts ~= '' then redis.call('HSET', record, 'estimated_start', starts) end
redis.call('EXPIRE', record, ttl)
redis.call('ZADD', index, now, ARGV[5])
redis.call('EXPIRE', index, ttl)
redis.call('SET', KEYS[8], ARGV[6], 'EX', ttl)
redis.call('ZADD', KEYS[13], now, ARGV[5])
redis.call('LPUSH', KEYS[5], ARGV[6])
if KEYS[14] then redis.call('SET', KEYS[14], ARGV[7] .. ' ' .. ARGV[5], 'EX', ARGV[8]) end
return {'accepted', position, starts, unpack(transitions)}
