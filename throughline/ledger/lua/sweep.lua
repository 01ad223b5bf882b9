-- Puts back what fell between two chairs. Every task that has not come to its end waits in a queue, waits for its next
-- attempt, or is held by a live worker; any other goes back to its queue. One step: two monitors may sweep at once.
--
-- keys: open delayed missing sweep workers worker_slots worker_tasks unacked unacked_index high medium low
-- args: alive_seconds missing_seconds grace_seconds stalled_seconds record_prefix attempts_suffix message_suffix
-- uses: clock
--
-- Answers lines: {'put_back', task id, queue, cause} | {'retried', task id, queue} | {'stalled', worker}
-- A running task of a live worker is never put back, however long it runs. Record, attempts and message of a task are
-- found from its ID, since only the script knows which it needs.

local told = {}

local function names(id) local record = ARG.record_prefix .. id; return record, record .. ARG.attempts_suffix, record .. ARG.message_suffix end

-- 1. Who lives. While Redis, or every monitor, was away nobody's heartbeat was seen: each has time to beat again.
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

-- 2. Those whose wait for the next attempt is over.
local function put(id, record, message)
  local queue = redis.call('HGET', record, 'queue')
  redis.call('HSET', record, 'status', 'PENDING')
  redis.call('HDEL', record, 'worker', 'process', 'attempt', 'started_at', 'retry_at')
  redis.call('ZADD', KEY.open, stamp, id)
  redis.call('HDEL', KEY.missing, id)
  -- A lost task has waited its turn before: it goes to the end that workers take from.
  redis.call('RPUSH', queue, message)
  return queue
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEY.delayed, '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEY.delayed, id)
  local record, _, message = names(id)
  local body = redis.call('GET', message)
  if body and redis.call('HGET', record, 'status') == 'RETRY' then
    table.insert(told, {'retried', id, put(id, record, body)})
  end
end

-- 3. Tasks that seem to be nowhere. The queues are read only when there is one, and once.
local waiting
local function waits(id)
  if not waiting then
    waiting = {}
    for _, queue in ipairs({KEY.high, KEY.medium, KEY.low}) do
      for _, body in ipairs(redis.call('LRANGE', queue, 0, -1)) do
        waiting[string.match(body, '"id": ?"([^"]+)"') or ''] = true
      end
    end
  end
  return waiting[id]
end

local function restore(id, record, attempts, body, cause)
  local latest = redis.call('LINDEX', attempts, -1)
  if latest then
    local attempt = cjson.decode(latest)
    if not attempt.finished_at then
      attempt.finished_at, attempt.outcome, attempt.cause = stamp, 'RETRY', cause
      redis.call('LSET', attempts, -1, cjson.encode(attempt))
    end
  end
  local tag = string.match(body, '"delivery_tag": ?"([^"]+)"')
  if tag then redis.call('HDEL', KEY.unacked, tag); redis.call('ZREM', KEY.unacked_index, tag) end
  table.insert(told, {'put_back', id, put(id, record, body), cause})
end

local before = string.format('(%.6f', now - 2) -- the youngest are on their way
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEY.open, '-inf', before)) do
  local record, attempts, message = names(id)
  if held[id] or redis.call('ZSCORE', KEY.delayed, id) then
    redis.call('HDEL', KEY.missing, id)
  else
    local status, worker = unpack(redis.call('HMGET', record, 'status', 'worker'))
    local body = redis.call('GET', message)
    if not status or not body or status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' then
      redis.call('ZREM', KEY.open, id) -- done, or expired
      redis.call('HDEL', KEY.missing, id)
    elseif waits(id) then
      redis.call('HDEL', KEY.missing, id)
    elseif not in_grace then
      local dead = status == 'STARTED' and worker and not alive[worker] and worker or held_by_dead[id]
      local missed = tonumber(redis.call('HGET', KEY.missing, id) or nil)
      if dead then
        restore(id, record, attempts, body, 'lost with ' .. dead)
      elseif not missed then
        redis.call('HSET', KEY.missing, id, stamp)
      elseif now - missed >= tonumber(ARG.missing_seconds) then
        restore(id, record, attempts, body, worker and 'lost within ' .. worker or 'lost on the way to a worker')
      end
    end
  end
end

-- 4. A worker that lives but takes nothing while work waits is told of, once.
local work = redis.call('LLEN', KEY.high) + redis.call('LLEN', KEY.medium) + redis.call('LLEN', KEY.low)
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
      table.insert(told, {'stalled', worker})
    end
  end
end
return told
