-- Stores a task's new state in its record and in Celery's own result key: one step, one clock.
--
-- flags: allow-oom
-- keys: record attempts changes result index message finished open delayed unarchived ended moved workers worker_tasks
-- keys: counts worker_runs owners listed
-- args: state reason celery_result ttl task_id recorded attempt worker unseen_seconds error_class
-- args: own_prefix anyone fields...
-- uses: clock stamp states moves signs counts ending moved lifetime lacked celery
--
-- attempt is '' when another process than the one that ran it calls; recorded is '' for a task that did not come through
-- the front door, and fields are such a task's. Answers an object: stored, the status that the task has now, at which
-- moment and, when attempt is '', the attempt that ended here. A late attempt changes nothing; attempt is then the task's
-- latest one. unseen_seconds is how long ago its worker last saw the process that ran it, '' for one that works still; of
-- an attempt at another worker, which is gone, the last sign of life is looked for.

local record, attempts = KEY.record, KEY.attempts
local state, reason, ttl = ARG.state, ARG.reason, ARG.ttl

local before, latest, holder, started, task_type, queue =
  unpack(redis.call('HMGET', record, 'status', 'attempt', 'worker', 'started_at', 'task_type', 'queue'))
local function refused()
  local last = redis.call('LINDEX', attempts, -1)
  local attempt_now = last and cjson.decode(last) or nil
  if attempt_now then attempt_now.number = redis.call('LLEN', attempts) end
  return cjson.encode({stored = false, status = before, attempt = attempt_now})
end
if is_final(before) or not before and has_moved() then return refused() end
if before then
  -- The main process of a worker may store the end for a killed process of its own, and for no other worker's.
  local counts = ARG.attempt ~= '' and latest == ARG.attempt
    or ARG.attempt == '' and (holder == ARG.worker or is_among(WITHOUT_ATTEMPT, reason))
  if not counts then return refused() end
end
local seen
if before == 'STARTED' and tonumber(ARG.unseen_seconds) then
  seen = latest_of({started or 0, now - tonumber(ARG.unseen_seconds)})
elseif before == 'STARTED' and ARG.attempt == '' and holder ~= ARG.worker then
  seen = last_sign(record, ARG.task_id)
end
move(record, before, state, reason)
if not before then
  redis.call('HSET', record, 'submitted_at', stamp, ARG.fields)
  task_type = redis.call('HGET', record, 'task_type')
  history_lacks(ARG.task_id, record, stamp)
  redis.call('ZADD', KEY.index, stamp, ARG.task_id)
  redis.call('EXPIRE', KEY.index, ttl)
end
local closed = close_attempt(attempts, state, reason, ARG.error_class, seen)
count_run(closed, task_type, queue)
if not closed then note(record, KEY.changes, {status = state, reason = reason}) end
if before == 'RETRY' then
  redis.call('ZREM', KEY.delayed, ARG.task_id)
  redis.call('HDEL', record, 'retry_at')
end
if state == 'RETRY' then
  redis.call('HDEL', record, 'deliveries') -- Celery's own retry: the process was not lost
  keep(ttl)
else
  end_task(ttl)
  if not closed then count_task(task_type, state) end
end
tell_celery(KEY.result, ttl, ARG.celery_result)

if ARG.attempt ~= '' or not closed then return cjson.encode({stored = true, status = state, at = stamp}) end
closed.number = redis.call('LLEN', attempts)
return cjson.encode({stored = true, status = state, at = stamp, attempt = closed})
