-- A worker hands back a task that it holds, before its message returns to the queue: the attempt ends, and a result that
-- its process may still send is not stored.
--
-- flags: allow-oom
-- keys: record attempts counts
-- args: worker reason
-- uses: clock stamp states moves counts
--
-- reason is handed_back, which does not count as a delivery, or lost_process.
-- Answers an object: outcome is handed_back, finished (it has ended already) or not_held; status; and attempt, the one
-- that ended here or, for a task that has ended, the latest.

local record, attempts = KEY.record, KEY.attempts
local status, holder, task_type, queue = unpack(redis.call('HMGET', record, 'status', 'worker', 'task_type', 'queue'))
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
local closed = close_attempt(attempts, 'RETRY', ARG.reason)
count_run(closed, task_type, queue)
return answer('handed_back', closed)
