-- Stores a running task's progress. Answers the correlation ID of the request that cancelled it, or nil.
--
-- flags: allow-oom
-- keys: record
-- args: progress

-- A record that has expired must not exist again because of its progress.
if redis.call('EXISTS', KEY.record) == 1 then redis.call('HSET', KEY.record, 'progress', ARG.progress) end
return redis.call('HGET', KEY.record, 'cancel_requested')
