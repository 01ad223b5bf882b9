-- Cancels a task: one that waits never starts, one that runs is asked to stop at its next checkpoint.
--
-- flags: allow-oom
-- keys: record attempts message queue queued changes result finished open delayed ended counts worker_runs
-- args: task_id ttl celery_result requested_by caller why
-- uses: clock stamp states moves counts ending messages celery asked_by
--
-- Answers 'unknown' | 'finished' | 'asked_before' (nothing is changed) | 'cancelled' | 'cancelling'

local record = KEY.record
local status, task_type = unpack(redis.call('HMGET', record, 'status', 'task_type'))
if not status then return 'unknown' end
if is_final(status) then return 'finished' end

-- Beside a task that runs, a second copy of its message may wait: that is not the task.
local waits, message, position = false, nil, nil
if status ~= 'STARTED' then
  waits = redis.call('ZSCORE', KEY.delayed, ARG.task_id)
  if not waits then
    message, position = find_message(KEY.queue, ARG.task_id, redis.call('GET', KEY.message), KEY.queued)
  end
end
if not waits and not message then
  if redis.call('HSETNX', record, 'cancel_requested', ARG.requested_by) == 1 then
    note(record, KEY.changes, asked_by({status = status, reason = 'cancel_requested'}))
    return 'cancelling' -- a worker holds it, and looks at the request when it starts and between its chunks
  end
  return 'asked_before'
end

move(record, status, 'REVOKED', 'cancelled')
redis.call('HSET', record, 'cancel_requested', ARG.requested_by)
redis.call('HDEL', record, 'retry_at')
note(record, KEY.changes, asked_by({status = 'REVOKED', reason = 'cancelled'}))
if message then -- from the nearer end
  redis.call('LREM', KEY.queue, position * 2 < redis.call('LLEN', KEY.queue) and -1 or 1, message)
end
redis.call('ZREM', KEY.delayed, ARG.task_id)
tell_celery(KEY.result, ARG.ttl, ARG.celery_result)
end_task(ARG.ttl)
count_task(task_type, 'REVOKED')
return 'cancelled'
