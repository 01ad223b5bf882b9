-- Puts back tasks that are nowhere. Every open task waits in a queue, waits for its next attempt, or is held by a live
-- worker; any other goes back to its queue. One atomic step: two monitors may sweep at once.
--
-- flags: allow-oom
-- keys: open delayed missing sweep workers worker_slots worker_tasks unacked unacked_index dead_letters high medium low
-- args: alive_seconds missing_seconds grace_seconds stalled_seconds forget_seconds
-- args: record_prefix attempts_suffix message_suffix changes_suffix
-- uses: clock stamp states moves messages
--
-- alive_seconds: for how long a heartbeat counts   missing_seconds: for how long a task must be missing
-- grace_seconds: how long workers have for a new heartbeat after Redis was away
-- stalled_seconds: for how long a worker may take no task while tasks wait
-- forget_seconds: after how long a worker without a heartbeat is removed
--
-- Answers one JSON object for each thing that it found, by its kind:
--   put_back, due   a task that is in its queue again: task_id queue reason worker task_type correlation_id trace_id
--                   traceparent attempt
--   refused         a task that it could not put back: task_id correlation_id before reason
--   stalled         a worker that lives and takes nothing: worker
-- A running task of a live worker is never put back, however long it runs. Record, attempts, message and changes of a
-- task are found from its ID, since only the script knows which it needs.

local found = {}
local function tell(line) table.insert(found, cjson.encode(line)) end
local queues = {KEY.high, KEY.medium, KEY.low}

-- 1. Which workers live. While Redis, or every monitor, was away no heartbeat was seen: each worker has time for a new one.
local last, grace_until = unpack(redis.call('HMGET', KEY.sweep, 'last', 'grace_until'))
if not last or now - tonumber(last) > tonumber(ARG.alive_seconds) then
  grace_until = string.format('%.6f', now + tonumber(ARG.grace_seconds))
  redis.call('HSET', KEY.sweep, 'grace_until', grace_until)
  redis.call('DEL', KEY.missing)
end
redis.call('HSET', KEY.sweep, 'last', stamp)
local in_grace = now < tonumber(grace_until or 0)

local alive, held, held_by_dead, holding = {}, {}, {}, {}
local beats = redis.call('ZRANGE', KEY.workers, 0, -1, 'WITHSCORES')
for i = 1, #beats, 2 do
  local worker, beat = beats[i], tonumber(beats[i + 1])
  local lives = beat > now - tonumber(ARG.alive_seconds)
  if lives then alive[worker] = beat end
  holding[worker] = 0
  for id in string.gmatch(redis.call('HGET', KEY.worker_tasks, worker) or '', '%S+') do
    holding[worker] = holding[worker] + 1
    if lives then held[id] = worker else held_by_dead[id] = worker end
  end
end

-- 2. What goes back to its queue, and why.
local function put(kind, id, before, message, reason, worker)
  local record = ARG.record_prefix .. id
  local attempts, changes = record .. ARG.attempts_suffix, record .. ARG.changes_suffix
  local queue, task_type, correlation_id, trace_id =
    unpack(redis.call('HMGET', record, 'queue', 'task_type', 'correlation_id', 'trace_id'))
  if not may(before, 'PENDING', reason) then
    tell({kind = 'refused', task_id = id, correlation_id = correlation_id or nil, before = before, reason = reason})
    return
  end
  move(record, before, 'PENDING', reason)
  redis.call('HDEL', record, 'started_at', 'retry_at')
  -- An attempt that ends here says the same.
  if not close_attempt(attempts, 'RETRY', reason) then
    note(record, changes, {status = 'PENDING', reason = reason, worker = worker})
  end
  local told = parsed(message)
  local tag = type(told.properties) == 'table' and told.properties.delivery_tag
  if tag then redis.call('HDEL', KEY.unacked, tag); redis.call('ZREM', KEY.unacked_index, tag) end
  if reason == 'lost_worker' then -- its last heartbeat says so still
    local left = {}
    for each in string.gmatch(redis.call('HGET', KEY.worker_tasks, worker) or '', '%S+') do
      if each ~= id then table.insert(left, each) end
    end
    redis.call('HSET', KEY.worker_tasks, worker, table.concat(left, ' '))
  end
  redis.call('ZADD', KEY.open, stamp, id)
  -- A lost task has waited before: it goes to the end of the queue from which workers take.
  redis.call('RPUSH', queue, message)
  tell({
    kind = kind, task_id = id, queue = queue, reason = reason, worker = worker, task_type = task_type or nil,
    correlation_id = correlation_id or nil, trace_id = trace_id or nil, attempt = redis.call('LLEN', attempts),
    traceparent = type(told.headers) == 'table' and told.headers.traceparent or nil,
  })
end

-- 3. Those whose wait for the next attempt is over.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEY.delayed, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEY.delayed, id)
  local record = ARG.record_prefix .. id
  local message = redis.call('GET', record .. ARG.message_suffix)
  if message and redis.call('HGET', record, 'status') == 'RETRY' then put('due', id, 'RETRY', message, 'due') end
end

-- 4. Tasks that seem to be nowhere. The queues are read only when there is one, and once.
local waiting
local function waits(id)
  if not waiting then
    waiting = {}
    for _, queue in ipairs(queues) do
      for _, message in ipairs(redis.call('LRANGE', queue, 0, -1)) do waiting[task_of(message) or ''] = true end
    end
  end
  return waiting[id]
end

local missing = {}
local before = string.format('(%.6f', now - 2) -- the youngest are on their way
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEY.open, '-inf', before)) do
  local record = ARG.record_prefix .. id
  if not held[id] and not redis.call('ZSCORE', KEY.delayed, id) then
    local status, worker = unpack(redis.call('HMGET', record, 'status', 'worker'))
    local message = redis.call('GET', record .. ARG.message_suffix)
    if not status or not message or is_final(status) then
      redis.call('ZREM', KEY.open, id) -- done, or expired
    elseif not waits(id) and not in_grace then
      local dead = status == 'PENDING' and held_by_dead[id] or worker and not alive[worker] and worker
      local missed = tonumber(redis.call('HGET', KEY.missing, id) or nil)
      if dead then
        put('put_back', id, status, message, 'lost_worker', dead)
      elseif missed and now - missed >= tonumber(ARG.missing_seconds) then
        put('put_back', id, status, message, worker and 'lost_within' or 'lost_on_the_way', worker or nil)
      else
        missing[id] = missed or stamp
      end
    end
  end
end

-- 5. Removes entries that nothing needs any more.
for _, id in ipairs(redis.call('HKEYS', KEY.missing)) do
  if not missing[id] then redis.call('HDEL', KEY.missing, id) end
end
for id, since in pairs(missing) do redis.call('HSET', KEY.missing, id, since) end
if not in_grace then
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEY.workers, '-inf', now - tonumber(ARG.forget_seconds))) do
    redis.call('ZREM', KEY.workers, worker)
    redis.call('HDEL', KEY.worker_slots, worker)
    redis.call('HDEL', KEY.worker_tasks, worker)
    holding[worker] = nil
  end
end
for _, id in ipairs(redis.call('ZRANGE', KEY.dead_letters, 0, 99)) do -- the oldest first, as their records expire
  if redis.call('EXISTS', ARG.record_prefix .. id) == 1 then break end
  redis.call('ZREM', KEY.dead_letters, id)
end

-- 6. Reports once a worker that lives but takes no task while tasks wait.
local work = 0
for _, queue in ipairs(queues) do work = work + redis.call('LLEN', queue) end
for _, field in ipairs(redis.call('HKEYS', KEY.sweep)) do
  local worker = string.match(field, '^idle:(.*)')
  if worker and not holding[worker] then redis.call('HDEL', KEY.sweep, field) end
end
for worker in pairs(holding) do
  local field = 'idle:' .. worker
  if work == 0 or not alive[worker] or holding[worker] > 0 then
    redis.call('HDEL', KEY.sweep, field)
  else
    local since = redis.call('HGET', KEY.sweep, field)
    if not since then
      redis.call('HSET', KEY.sweep, field, stamp)
    elseif since ~= 'told' and now - tonumber(since) >= tonumber(ARG.stalled_seconds) then
      redis.call('HSET', KEY.sweep, field, 'told')
      tell({kind = 'stalled', worker = worker})
    end
  end
end
return found
