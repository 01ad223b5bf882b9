-- A task met a temporary error: it waits for its next attempt in the record, where all can see it, or is a dead letter
-- when its retries are used up.
--
-- flags: allow-oom
-- keys: record attempts result message changes delayed open dead_letters finished ended counts worker_runs
-- args: task_id attempt error_class delay max_retries ttl celery_retry celery_failure
-- uses: clock stamp states moves counts ending lifetime celery
--
-- Answers an object: outcome is retry, dead, late (another attempt counts by now) or unstored (it did not come through
-- the front door: there is no message to put back), and at, for the first two, when the attempt ended.

local record = KEY.record
local status, latest, retries, task_type, queue =
  unpack(redis.call('HMGET', record, 'status', 'attempt', 'retries', 'task_type', 'queue'))
local function answer(outcome, at) return cjson.encode({outcome = outcome, at = at}) end
if status ~= 'STARTED' or latest ~= ARG.attempt then
  -- The same process asks again when it did not receive the first answer.
  local last = redis.call('LLEN', KEY.attempts) == tonumber(ARG.attempt) and redis.call('LINDEX', KEY.attempts, -1)
  local before = last and cjson.decode(last) or {}
  if before.ended_by == 'retried' then return answer('retry', before.finished_at) end
  if before.ended_by == 'retries_used_up' then return answer('dead', before.finished_at) end
  return answer('late')
end
if redis.call('EXISTS', KEY.message) == 0 then return answer('unstored') end

local is_dead = tonumber(retries or 0) >= tonumber(ARG.max_retries)
local after, reason = 'RETRY', 'retried'
if is_dead then after, reason = 'FAILURE', 'retries_used_up' end
move(record, status, after, reason)
count_run(close_attempt(KEY.attempts, after, reason, ARG.error_class), task_type, queue)
redis.call('HDEL', record, 'deliveries')

if is_dead then
  redis.call('ZADD', KEY.dead_letters, stamp, ARG.task_id)
  tell_celery(KEY.result, ARG.ttl, ARG.celery_failure)
  end_task(ARG.ttl)
  return answer('dead', stamp)
end
local due = string.format('%.6f', now + tonumber(ARG.delay))
keep(ARG.ttl)
redis.call('HINCRBY', record, 'retries', 1)
redis.call('HSET', record, 'retry_at', due)
redis.call('ZADD', KEY.delayed, due, ARG.task_id)
tell_celery(KEY.result, ARG.ttl, ARG.celery_retry)
return answer('retry', stamp)
