-- A worker took a message that was sent past the front door: its task has a record from now on, before it starts.
--
-- flags: allow-oom
-- keys: record index unarchived moved
-- args: task_id ttl fields...
-- uses: clock stamp
--
-- Answers the task's status; one that has a record already keeps it as it is, and one that has ended and been forgotten
-- gets none.

local status = redis.call('HGET', KEY.record, 'status') or redis.call('GET', KEY.moved)
if status then return status end
redis.call('HSET', KEY.record, 'status', 'PENDING', 'version', 1, 'submitted_at', stamp, ARG.fields)
redis.call('EXPIRE', KEY.record, ARG.ttl)
for _, index in ipairs({KEY.index, KEY.unarchived}) do redis.call('ZADD', index, stamp, ARG.task_id) end
redis.call('EXPIRE', KEY.index, ARG.ttl)
return 'PENDING'
