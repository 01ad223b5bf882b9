-- A worker took a message that was sent past the front door: its task has a record from now on, before it starts.
--
-- flags: allow-oom
-- keys: record index
-- args: task_id ttl fields...
-- uses: clock stamp
--
-- Answers the task's status; one that has a record already keeps it as it is.

local status = redis.call('HGET', KEY.record, 'status')
if status then return status end
redis.call('HSET', KEY.record, 'status', 'PENDING', 'submitted_at', stamp, ARG.fields)
redis.call('EXPIRE', KEY.record, ARG.ttl)
redis.call('ZADD', KEY.index, stamp, ARG.task_id)
redis.call('EXPIRE', KEY.index, ARG.ttl)
return 'PENDING'
