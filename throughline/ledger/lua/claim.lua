-- A worker process is about to run a task: records the attempt, or says why the task must not run.
--
-- KEYS  1 task record   2 its attempts   3 Celery's result key   4 index of the correlation ID   5 drain
--       6 promises   7 high   8 medium   9 low   10 open tasks   11 dead letters   12 workers
--       13 tasks that workers hold   14 channel of finished tasks
-- ARGV  1 task id   2 Celery's result as JSON   3 ttl (s)   4 worker   5 process   6 queue that it came from
--       7 deliveries allowed   8 Celery's result when they are used up   9 seconds for which a heartbeat counts
--       10… the record's fields and values, for a task that did not come through the front door
--
-- Answers {'run', attempt, …}: only who names this number may store the result. Or {status} that the task has come to
-- already: SUCCESS, FAILURE, REVOKED; {'cancel'} when it is to be; {'running'} when a live worker has it;
-- {'dead', attempt, …} when each process that it was delivered to was lost.
-- … is the attempt before as JSON, and 'lost' for the first who hears that its process was lost; both '' for the first.

local record, attempts, drain, ttl = KEYS[1], KEYS[2], KEYS[5], ARGV[3]
local clock = redis.call('TIME')
local now = string.format('%d.%06d', clock[1], clock[2])

local status, cancel_requested, promised, holder, process, number, started =
  unpack(redis.call('HMGET', record, 'status', 'cancel_requested', 'estimated_start', 'worker', 'process', 'attempt', 'started_at'))
if not status then
  redis.call('HSET', record, 'submitted_at', now, unpack(ARGV, 10))
  redis.call('ZADD', KEYS[4], now, ARGV[1])
  redis.call('EXPIRE', KEYS[4], ttl)
end
if status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' then return {status} end
if cancel_requested then return {'cancel'} end

-- The same process asks again when it did not hear the first answer.
if status == 'STARTED' and holder == ARGV[4] and process == ARGV[5] then return {'run', number} end

-- A second copy of the message. The holder's list is as old as its heartbeat: a start after that is taken on trust.
if status == 'STARTED' and holder then
  local beat = tonumber(redis.call('ZSCORE', KEYS[12], holder) or nil)
  if beat and beat > tonumber(now) - tonumber(ARGV[9]) then
    local held = redis.call('HGET', KEYS[13], holder) or ''
    if string.find(held, ARGV[1], 1, true) or beat <= tonumber(started) + 1 then return {'running'} end
  end
end

local last, lost = redis.call('LINDEX', attempts, -1) or '', ''
if last ~= '' then
  local attempt = cjson.decode(last)
  if not attempt.finished_at then
    attempt.finished_at, attempt.outcome = now, 'RETRY'
    attempt.cause = string.format('lost with process %d of %s', attempt.process, attempt.worker)
  end
  local lost_unheard = attempt.outcome == 'RETRY' and not string.find(attempt.cause, '^retried') and not attempt.told
  if lost_unheard then lost, attempt.told = 'lost', true end
  redis.call('LSET', attempts, -1, cjson.encode(attempt))
  attempt.number = redis.call('LLEN', attempts)
  last = cjson.encode(attempt)
end

if tonumber(redis.call('HGET', record, 'deliveries') or 0) >= tonumber(ARGV[7]) then
  redis.call('HSET', record, 'status', 'FAILURE', 'finished_at', now)
  redis.call('HDEL', record, 'worker', 'process', 'attempt')
  redis.call('ZREM', KEYS[10], ARGV[1])
  redis.call('ZADD', KEYS[11], now, ARGV[1])
  redis.call('SETEX', KEYS[3], ttl, ARGV[8])
  redis.call('PUBLISH', KEYS[3], ARGV[8])
  redis.call('PUBLISH', KEYS[14], ARGV[1])
  return {'dead', tostring(redis.call('LLEN', attempts)), last, lost}
end

number = redis.call('RPUSH', attempts, cjson.encode({worker = ARGV[4], process = tonumber(ARGV[5]), started_at = now}))
redis.call('HINCRBY', record, 'deliveries', 1)
redis.call('HSET', record, 'status', 'STARTED', 'started_at', now,
  'worker', ARGV[4], 'process', ARGV[5], 'attempt', number)
redis.call('HDEL', record, 'finished_at', 'estimated_start', 'retry_at')
redis.call('EXPIRE', record, ttl)
redis.call('EXPIRE', attempts, ttl)
redis.call('SETEX', KEYS[3], ttl, ARGV[2])
redis.call('PUBLISH', KEYS[3], ARGV[2])

-- How far the promise was off. Only a first start was promised: it is forgotten above.
if promised then
  local off = tonumber(now) - tonumber(promised)
  local size = math.abs(off)
  local class = size < 0.1 and 'under_0.1_s' or size < 1 and 'under_1_s' or size < 10 and 'under_10_s' or 'over_10_s'
  redis.call('HINCRBY', KEYS[6], class, 1)
  redis.call('HINCRBYFLOAT', KEYS[6], off > 0 and 'late_seconds' or 'early_seconds', string.format('%.6f', size))
end

-- How fast queues are emptied: the time between two starts counts only if tasks were waiting after the first one.
-- A fading mean over some twenty starts.
local function measure(name, backlog)
  local at, mean, busy = unpack(redis.call('HMGET', drain, name .. ':at', name, name .. ':busy'))
  if busy == '1' then
    local gap = math.min(tonumber(now) - tonumber(at), 120) -- a longer one is an outage, not a pace
    mean = mean and (0.95 * tonumber(mean) + 0.05 * gap) or gap
    redis.call('HSET', drain, name, string.format('%.6f', mean))
  end
  redis.call('HSET', drain, name .. ':at', now, name .. ':busy', backlog > 0 and '1' or '0')
end
local total = 0
for i = 7, 9 do
  local waiting = redis.call('LLEN', KEYS[i])
  total = total + waiting
  if KEYS[i] == ARGV[6] then measure(KEYS[i], waiting) end
end
measure('all', total)
return {'run', tostring(number), last, lost}
