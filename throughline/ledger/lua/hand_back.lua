-- A worker hands back a task that it holds, before its message returns to the queue: the attempt ends, and a result that
-- its process may still send is not stored.
--
-- flags: allow-oom
-- keys: record attempts workers worker_tasks counts worker_runs
-- args: worker reason unseen_seconds
-- uses: clock stamp states moves signs counts
--
-- reason is handed_back, which does not count as a delivery, or lost_process; unseen_seconds is how long ago that process
-- was last seen, '' for one that works still.
-- Answers an object: outcome is handed_back, finished (it has ended already) or not_held; status; and attempt, the one
-- that ended here or, for a task that has ended, the latest.

local record, attempts = KEY.record, KEY.attempts
local status, holder, started, task_type, queue =
  unpack(redis.call('HMGET', record, 'status', 'worker', 'started_at', 'task_type', 'queue'))
local function answer(outcome, attempt)
  if attempt then attempt.number = redis.call('LLEN', attempts) end
  return cjson.encode({outcome = outcome, status = status or nil, attempt = attempt})
end
if is_final(status) then
  local last = redis.call('LINDEX', attempts, -1)
  return answer('finished', last and cjson.decode(last) or nil)
end
if status ~= 'STARTED' or holder ~= ARG.worker then return answer('not_held') end

move(record, status, 'PENDING', ARG.reason)
redis.call('HDEL', record, 'started_at')
if ARG.reason == 'handed_back' then redis.call('HINCRBY', record, 'deliveries', -1) end
status = 'PENDING'
local seen = tonumber(ARG.unseen_seconds) and latest_of({started or 0, now - tonumber(ARG.unseen_seconds)}) or nil
local closed = close_attempt(attempts, 'RETRY', ARG.reason, nil, seen)
count_run(closed, task_type, queue)
return answer('handed_back', closed)
