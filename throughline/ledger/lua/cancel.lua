-- Cancels a task: one that waits never starts, one that runs is asked to stop at its next checkpoint.
--
-- keys: record message queue result finished open delayed
-- args: task_id ttl celery_result
-- uses: clock
--
-- Answers 'unknown' | 'finished' (nothing is changed) | 'cancelled' | 'cancelling'

local record = KEY.record
local status = redis.call('HGET', record, 'status')
if not status then return 'unknown' end
if status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' then return 'finished' end

redis.call('HSET', record, 'cancel_requested', '1')
local message = redis.call('GET', KEY.message)
local delayed = redis.call('ZREM', KEY.delayed, ARG.task_id) == 1 -- it waits for its next attempt
if not delayed and (not message or redis.call('LREM', KEY.queue, 1, message) == 0) then
  return 'cancelling' -- a worker holds it, and looks at the request when it starts and between its chunks
end

redis.call('HSET', record, 'status', 'REVOKED', 'finished_at', stamp)
redis.call('HDEL', record, 'retry_at')
redis.call('ZREM', KEY.open, ARG.task_id)
redis.call('DEL', KEY.message)
redis.call('SETEX', KEY.result, ARG.ttl, ARG.celery_result)
redis.call('PUBLISH', KEY.result, ARG.celery_result)
redis.call('PUBLISH', KEY.finished, ARG.task_id)
return 'cancelled'
