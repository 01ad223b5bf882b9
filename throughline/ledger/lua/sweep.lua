-- Puts back what fell between two chairs. Every task that has not come to its end waits in a queue, waits for its next
-- attempt, or is held by a live worker; any other goes back to its queue. One step: two monitors may sweep at once.
--
-- KEYS  1 open tasks   2 delayed tasks   3 missing tasks   4 state of the sweep   5 workers   6 worker slots
--       7 tasks that workers hold   8 Celery's unacknowledged messages   9 their index   10 high   11 medium   12 low
-- ARGV  1 seconds for which a heartbeat counts   2 seconds for which a task must be missing   3 seconds of grace after
--       Redis was away   4 seconds for which a worker may take nothing while work waits
--       5 prefix of task records   6 suffix of attempts   7 suffix of messages
--
-- Answers lines: {'put_back', task id, queue, cause} | {'retried', task id, queue} | {'stalled', worker}
-- A running task of a live worker is never put back, however long it runs. Record, attempts and message of a task are
-- found from its ID, since only the script knows which it needs.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local stamp = string.format('%.6f', now)
local told = {}

local function names(id) local record = ARGV[5] .. id; return record, record .. ARGV[6], record .. ARGV[7] end

-- 1. Who lives. While Redis, or every monitor, was away nobody's heartbeat was seen: each has time to beat again.
local last, grace_until = unpack(redis.call('HMGET', KEYS[4], 'last', 'grace_until'))
if not last or now - tonumber(last) > tonumber(ARGV[1]) then
  grace_until = string.format('%.6f', now + tonumber(ARGV[3]))
  redis.call('HSET', KEYS[4], 'grace_until', grace_until)
  redis.call('DEL', KEYS[3])
end
redis.call('HSET', KEYS[4], 'last', stamp)
local in_grace = now < tonumber(grace_until or 0)

local alive, held, held_by_dead, holding = {}, {}, {}, {}
local beats = redis.call('ZRANGE', KEYS[5], 0, -1, 'WITHSCORES')
for i = 1, #beats, 2 do
  local worker, beat = beats[i], tonumber(beats[i + 1])
  local lives = beat > now - tonumber(ARGV[1])
  if lives then alive[worker] = beat end
  holding[worker] = 0
  for id in string.gmatch(redis.call('HGET', KEYS[7], worker) or '', '%S+') do
    holding[worker] = holding[worker] + 1
    if lives then held[id] = worker else held_by_dead[id] = worker end
  end
end

-- 2. Those whose wait for the next attempt is over.
local function put(id, record, message)
  local queue = redis.call('HGET', record, 'queue')
  redis.call('HSET', record, 'status', 'PENDING')
  redis.call('HDEL', record, 'worker', 'process', 'attempt', 'started_at', 'retry_at')
  redis.call('ZADD', KEYS[1], stamp, id)
  redis.call('HDEL', KEYS[3], id)
  -- A lost task has waited its turn before: it goes to the end that workers take from.
  redis.call('RPUSH', queue, message)
  return queue
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[2], id)
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
    for i = 10, 12 do
      for _, body in ipairs(redis.call('LRANGE', KEYS[i], 0, -1)) do
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
  if tag then redis.call('HDEL', KEYS[8], tag); redis.call('ZREM', KEYS[9], tag) end
  table.insert(told, {'put_back', id, put(id, record, body), cause})
end

local before = string.format('(%.6f', now - 2) -- the youngest are on their way
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before)) do
  local record, attempts, message = names(id)
  if held[id] or redis.call('ZSCORE', KEYS[2], id) then
    redis.call('HDEL', KEYS[3], id)
  else
    local status, worker = unpack(redis.call('HMGET', record, 'status', 'worker'))
    local body = redis.call('GET', message)
    if not status or not body or status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' then
      redis.call('ZREM', KEYS[1], id) -- done, or expired
      redis.call('HDEL', KEYS[3], id)
    elseif waits(id) then
      redis.call('HDEL', KEYS[3], id)
    elseif not in_grace then
      local dead = status == 'STARTED' and worker and not alive[worker] and worker or held_by_dead[id]
      local missed = tonumber(redis.call('HGET', KEYS[3], id) or nil)
      if dead then
        restore(id, record, attempts, body, 'lost with ' .. dead)
      elseif not missed then
        redis.call('HSET', KEYS[3], id, stamp)
      elseif now - missed >= tonumber(ARGV[2]) then
        restore(id, record, attempts, body, worker and 'lost within ' .. worker or 'lost on the way to a worker')
      end
    end
  end
end

-- 4. A worker that lives but takes nothing while work waits is told of, once.
local work = redis.call('LLEN', KEYS[10]) + redis.call('LLEN', KEYS[11]) + redis.call('LLEN', KEYS[12])
for worker in pairs(holding) do
  local field = 'idle:' .. worker
  if work == 0 or not alive[worker] or holding[worker] > 0 then
    redis.call('HDEL', KEYS[4], field)
  else
    local since = redis.call('HGET', KEYS[4], field)
    if not since then
      redis.call('HSET', KEYS[4], field, stamp)
    elseif since ~= 'told' and now - tonumber(since) >= tonumber(ARGV[4]) then
      redis.call('HSET', KEYS[4], field, 'told')
      table.insert(told, {'stalled', worker})
    end
  end
end
return told
