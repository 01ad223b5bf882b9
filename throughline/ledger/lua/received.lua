-- A worker took a message that was sent past the front door: its task has a record from now on, before it starts.
--
-- flags: allow-oom
-- keys: record index unarchived owners listed moved
-- args: task_id ttl own_prefix anyone fields...
-- uses: clock stamp lacked
--
-- Answers the task's status; one that has a record already keeps it as it is, and one that has ended and been forgotten
-- gets none.

local status = redis.call('HGET', KEY.record, 'status') or redis.call('GET', KEY.moved)
if status then return status end
redis.call('HSET', KEY.record, 'status', 'PENDING', 'version', 1, 'submitted_at', stamp, ARG.fields)
redis.call('EXPIRE', KEY.record, ARG.ttl)
history_lacks(ARG.task_id, KEY.record, stamp)
redis.call('ZADD', KEY.index, stamp, ARG.task_id)
redis.call('EXPIRE', KEY.index, ARG.ttl)
return 'PENDING'
