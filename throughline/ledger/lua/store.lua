-- Stores a task's new state in its record and in Celery's own result key: one step, one clock.
--
-- keys: record attempts result index message finished open
-- args: state celery_result ttl task_id attempt worker cause fields...
-- uses: clock
--
-- Answers 1, or 0 when the task had already come to its end or this attempt is no longer the one that counts: what a
-- late attempt has to say changes nothing.

local record, attempts, result = KEY.record, KEY.attempts, KEY.result
local state, ttl = ARG.state, ARG.ttl

local before, latest, holder = unpack(redis.call('HMGET', record, 'status', 'attempt', 'worker'))
if before == 'SUCCESS' or before == 'FAILURE' or before == 'REVOKED' then return 0 end
if before and state ~= 'REVOKED' then
  -- The main process of a worker speaks for a process of its own that was killed, and for no other worker's.
  local counts = ARG.attempt ~= '' and latest == ARG.attempt or ARG.attempt == '' and holder == ARG.worker
  if not counts then return 0 end
end
if not before then
  redis.call('HSET', record, 'submitted_at', stamp, ARG.fields)
  redis.call('ZADD', KEY.index, stamp, ARG.task_id)
  redis.call('EXPIRE', KEY.index, ttl)
end

redis.call('HSET', record, 'status', state)
redis.call('HDEL', record, 'worker', 'process', 'attempt')
local last = redis.call('LINDEX', attempts, -1)
if last then
  local attempt = cjson.decode(last)
  if not attempt.finished_at then
    attempt.finished_at, attempt.outcome = stamp, state
    if ARG.cause ~= '' then attempt.cause = ARG.cause end
    redis.call('LSET', attempts, -1, cjson.encode(attempt))
    redis.call('EXPIRE', attempts, ttl)
  end
end
if state ~= 'RETRY' then
  redis.call('HSET', record, 'finished_at', stamp)
  redis.call('DEL', KEY.message)
  redis.call('ZREM', KEY.open, ARG.task_id)
  redis.call('PUBLISH', KEY.finished, ARG.task_id)
end
redis.call('EXPIRE', record, ttl)

-- As Celery's own Redis backend stores and announces it: AsyncResult.get() works for whoever sent the task.
redis.call('SETEX', result, ttl, ARG.celery_result)
redis.call('PUBLISH', result, ARG.celery_result)
return 1
