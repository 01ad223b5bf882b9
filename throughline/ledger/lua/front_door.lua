-- Decides on one submission and, if it is taken, records and enqueues it, in one atomic step.
--
-- flags: allow-oom
-- keys: breaker memory high medium low queue record index message drain workers worker_slots open unarchived owners
-- keys: listed idempotency
-- args: max_depth close_depth open_seconds memory_percent ttl task_id message payload_hash gone idempotency_ttl alive_seconds
-- args: own_prefix anyone fields...
-- uses: clock stamp memory lacked
--
-- Answers {'accepted', position, estimated start (s since 1970, or ''), now, transitions…} | {'replayed', task id}
--       | {'key_reused'} | {'circuit_open', seconds to wait, transitions…} | {'memory_full', seconds to wait, transitions…}
-- Invariants: accepted = recorded = enqueued; depth never passes max depth; a refusal stores nothing but the breaker's
-- state and the memory's.

local breaker = KEY.breaker
local max_depth, close_depth, open_seconds = tonumber(ARG.max_depth), tonumber(ARG.close_depth), tonumber(ARG.open_seconds)
local longest_wait = 600

-- 1. A key that was seen before is answered in every state of the breaker: its task has been accepted already.
if KEY.idempotency ~= '' then
  local seen = redis.call('GET', KEY.idempotency)
  if seen then
    local hash, first_task = string.match(seen, '^(%S+) (.+)$')
    if hash ~= ARG.payload_hash then return {'key_reused'} end
    if first_task == ARG.task_id then return {'accepted', 1, '', stamp} end -- its answer was lost: see below
    if first_task ~= ARG.gone then return {'replayed', first_task} end
  end
end

-- The same holds for a request that is repeated because its answer was lost with Redis: its task is there already. It has
-- not been forgotten: such a request comes within a second, and no task is forgotten in its first five.
if redis.call('EXISTS', KEY.record) == 1 then return {'accepted', 1, '', stamp} end

local queues = {KEY.high, KEY.medium, KEY.low} -- in the order in which workers empty them
local waiting, depth = {}, 0
for i, queue in ipairs(queues) do
  waiting[i] = redis.call('LLEN', queue)
  depth = depth + waiting[i]
end

-- Seconds between two starts while tasks wait, by the queue's own measure or else by all queues'; nil when none was made.
local function gap(queue)
  local own, all = unpack(redis.call('HMGET', KEY.drain, queue, 'all'))
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

-- Retry-After is the later of two: when the breaker may close, and when the backlog is worked off at its measured rate.
local function refuse(wait)
  local backlog = math.max(0, depth - close_depth) * (gap('all') or 0)
  local seconds = math.min(math.max(wait, backlog), math.max(wait, longest_wait))
  return {'circuit_open', math.max(1, math.ceil(seconds)), unpack(transitions)}
end

local state = redis.call('HGET', breaker, 'state') or 'closed'
if state == 'open' then
  local reopens = tonumber(redis.call('HGET', breaker, 'until'))
  if now < reopens then return refuse(reopens - now) end
  -- This request is the only probe: the script decides on it before it looks at any other request, so no permit with a
  -- lease is needed.
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

-- 3. The memory. After the breaker, whose probe has been decided on by now.
local room = memory()
local change = note_memory(room.is_full)
if change then table.insert(transitions, change) end
if room.is_full then
  -- When as much has become free as is missing, at the measured rate; 30 s when nothing was seen to become free.
  local fall = tonumber(redis.call('HGET', KEY.memory, 'fall') or nil)
  local seconds = fall and fall > 0 and (room.used - room.limit) / fall or 30
  return {'memory_full', math.max(1, math.ceil(math.min(seconds, longest_wait))), unpack(transitions)}
end

-- 4. The estimated start: when the tasks served before it have started, each after the measured gap of its queue.
local position, backlog_seconds = 1, 0
for i, queue in ipairs(queues) do
  position = position + waiting[i]
  backlog_seconds = backlog_seconds + waiting[i] * (gap(queue) or 0)
  if queue == KEY.queue then break end
end
local function estimated_start()
  local alive = redis.call('ZRANGEBYSCORE', KEY.workers, now - tonumber(ARG.alive_seconds), '+inf')
  if #alive == 0 then return '' end
  local free = 0
  for _, told in ipairs(redis.call('HMGET', KEY.worker_slots, unpack(alive))) do
    local slots, held = string.match(told or '', '^(%d+) (%d+)$')
    free = free + (slots and slots - held or 0)
  end
  if position <= free then return string.format('%.6f', now) end
  local own = gap(KEY.queue)
  if not own then return '' end
  return string.format('%.6f', now + math.max(own, backlog_seconds + own * (1 - math.max(0, free))))
end
local starts = estimated_start()

-- 5. The task is taken: writes record, queue and indices. Record and message get a lifetime when it ends.
local record, index, ttl = KEY.record, KEY.index, ARG.ttl
redis.call('HSET', record, 'status', 'PENDING', 'version', 1, 'submitted_at', string.format('%.6f', now), ARG.fields)
if starts ~= '' then redis.call('HSET', record, 'estimated_start', starts) end
redis.call('ZADD', index, now, ARG.task_id)
if now % 1 < 0.02 then -- one in fifty: the index of an ID that is always in use would never expire
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now - tonumber(ttl))
end
redis.call('EXPIRE', index, ttl)
redis.call('SET', KEY.message, ARG.message)
redis.call('ZADD', KEY.open, now, ARG.task_id)
history_lacks(ARG.task_id, record, now)
redis.call('LPUSH', KEY.queue, ARG.message)
if KEY.idempotency ~= '' then redis.call('SET', KEY.idempotency, ARG.payload_hash .. ' ' .. ARG.task_id, 'EX', ARG.idempotency_ttl) end
return {'accepted', position, starts, stamp, unpack(transitions)}
