-- A task met a temporary error: it waits for its next attempt in the record, where all can see it, or is a dead letter
-- when its retries are used up.
--
-- keys: record attempts result message delayed open dead_letters finished
-- args: task_id attempt cause delay max_retries ttl celery_retry celery_failure
-- uses: clock
--
-- Answers 'retry' | 'dead' | 'late' (another attempt counts by now) | 'unstored' (it did not come through the front
-- door: there is no message to put back)

local record, attempts = KEY.record, KEY.attempts

local status, latest, retries = unpack(redis.call('HMGET', record, 'status', 'attempt', 'retries'))
if status ~= 'STARTED' or latest ~= ARG.attempt then return 'late' end
if redis.call('EXISTS', KEY.message) == 0 then return 'unstored' end

local function close(outcome, cause)
  local attempt = cjson.decode(redis.call('LINDEX', attempts, -1))
  attempt.finished_at, attempt.outcome, attempt.cause = stamp, outcome, cause
  redis.call('LSET', attempts, -1, cjson.encode(attempt))
  redis.call('HDEL', record, 'worker', 'process', 'attempt', 'deliveries')
end
local function tell(result)
  redis.call('SETEX', KEY.result, ARG.ttl, result)
  redis.call('PUBLISH', KEY.result, result)
end

if tonumber(retries or 0) >= tonumber(ARG.max_retries) then
  close('FAILURE', 'retries used up: ' .. ARG.cause)
  redis.call('HSET', record, 'status', 'FAILURE', 'finished_at', stamp)
  redis.call('ZREM', KEY.open, ARG.task_id)
  redis.call('ZADD', KEY.dead_letters, stamp, ARG.task_id)
  tell(ARG.celery_failure)
  redis.call('PUBLISH', KEY.finished, ARG.task_id)
  return 'dead'
end
close('RETRY', 'retried: ' .. ARG.cause)
local due = string.format('%.6f', now + tonumber(ARG.delay))
redis.call('HINCRBY', record, 'retries', 1)
redis.call('HSET', record, 'status', 'RETRY', 'retry_at', due)
redis.call('ZADD', KEY.delayed, due, ARG.task_id)
tell(ARG.celery_retry)
return 'retry'
