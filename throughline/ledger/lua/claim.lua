-- A worker process is about to run a task: records the attempt, or says why the task must not run.
--
-- keys: record attempts result index drain promises high medium low open dead_letters workers worker_tasks finished
-- args: task_id celery_started ttl worker process queue max_deliveries celery_dead alive_seconds fields...
-- uses: clock
--
-- Answers {'run', attempt, …}: only who names this number may store the result. Or {status} that the task has come to
-- already: SUCCESS, FAILURE, REVOKED; {'cancel'} when it is to be; {'running'} when a live worker has it;
-- {'dead', attempt, …} when each process that it was delivered to was lost.
-- … is the attempt before as JSON, and 'lost' for the first who hears that its process was lost; both '' for the first.

local record, attempts, drain, ttl = KEY.record, KEY.attempts, KEY.drain, ARG.ttl

local status, cancel_requested, promised, holder, process, number, started =
  unpack(redis.call('HMGET', record, 'status', 'cancel_requested', 'estimated_start', 'worker', 'process', 'attempt', 'started_at'))
if not status then
  redis.call('HSET', record, 'submitted_at', stamp, ARG.fields)
  redis.call('ZADD', KEY.index, stamp, ARG.task_id)
  redis.call('EXPIRE', KEY.index, ttl)
end
if status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' then return {status} end
if cancel_requested then return {'cancel'} end

-- The same process asks again when it did not hear the first answer.
if status == 'STARTED' and holder == ARG.worker and process == ARG.process then return {'run', number} end

-- A second copy of the message. The holder's list is as old as its heartbeat: a start after that is taken on trust.
if status == 'STARTED' and holder then
  local beat = tonumber(redis.call('ZSCORE', KEY.workers, holder) or nil)
  if beat and beat > now - tonumber(ARG.alive_seconds) then
    local held = redis.call('HGET', KEY.worker_tasks, holder) or ''
    if string.find(held, ARG.task_id, 1, true) or beat <= tonumber(started) + 1 then return {'running'} end
  end
end

local last, lost = redis.call('LINDEX', attempts, -1) or '', ''
if last ~= '' then
  local attempt = cjson.decode(last)
  if not attempt.finished_at then
    attempt.finished_at, attempt.outcome = stamp, 'RETRY'
    attempt.cause = string.format('lost with process %d of %s', attempt.process, attempt.worker)
  end
  local lost_unheard = attempt.outcome == 'RETRY' and not string.find(attempt.cause, '^retried') and not attempt.told
  if lost_unheard then lost, attempt.told = 'lost', true end
  redis.call('LSET', attempts, -1, cjson.encode(attempt))
  attempt.number = redis.call('LLEN', attempts)
  last = cjson.encode(attempt)
end

if tonumber(redis.call('HGET', record, 'deliveries') or 0) >= tonumber(ARG.max_deliveries) then
  redis.call('HSET', record, 'status', 'FAILURE', 'finished_at', stamp)
  redis.call('HDEL', record, 'worker', 'process', 'attempt')
  redis.call('ZREM', KEY.open, ARG.task_id)
  redis.call('ZADD', KEY.dead_letters, stamp, ARG.task_id)
  redis.call('SETEX', KEY.result, ttl, ARG.celery_dead)
  redis.call('PUBLISH', KEY.result, ARG.celery_dead)
  redis.call('PUBLISH', KEY.finished, ARG.task_id)
  return {'dead', tostring(redis.call('LLEN', attempts)), last, lost}
end

number = redis.call('RPUSH', attempts, cjson.encode({worker = ARG.worker, process = tonumber(ARG.process), started_at = stamp}))
redis.call('HINCRBY', record, 'deliveries', 1)
redis.call('HSET', record, 'status', 'STARTED', 'started_at', stamp,
  'worker', ARG.worker, 'process', ARG.process, 'attempt', number)
redis.call('HDEL', record, 'finished_at', 'estimated_start', 'retry_at')
redis.call('EXPIRE', record, ttl)
redis.call('EXPIRE', attempts, ttl)
redis.call('SETEX', KEY.result, ttl, ARG.celery_started)
redis.call('PUBLISH', KEY.result, ARG.celery_started)

-- How far the promise was off. Only a first start was promised: it is forgotten above.
if promised then
  local off = now - tonumber(promised)
  local size = math.abs(off)
  local class = size < 0.1 and 'under_0.1_s' or size < 1 and 'under_1_s' or size < 10 and 'under_10_s' or 'over_10_s'
  redis.call('HINCRBY', KEY.promises, class, 1)
  redis.call('HINCRBYFLOAT', KEY.promises, off > 0 and 'late_seconds' or 'early_seconds', string.format('%.6f', size))
end

-- How fast queues are emptied: the time between two starts counts only if tasks were waiting after the first one.
-- A fading mean over some twenty starts.
local function measure(name, backlog)
  local at, mean, busy = unpack(redis.call('HMGET', drain, name .. ':at', name, name .. ':busy'))
  if busy == '1' then
    local gap = math.min(now - tonumber(at), 120) -- a longer one is an outage, not a pace
    mean = mean and (0.95 * tonumber(mean) + 0.05 * gap) or gap
    redis.call('HSET', drain, name, string.format('%.6f', mean))
  end
  redis.call('HSET', drain, name .. ':at', stamp, name .. ':busy', backlog > 0 and '1' or '0')
end
local total = 0
for _, queue in ipairs({KEY.high, KEY.medium, KEY.low}) do
  local waiting = redis.call('LLEN', queue)
  total = total + waiting
  if queue == ARG.queue then measure(queue, waiting) end
end
measure('all', total)
return {'run', tostring(number), last, lost}
