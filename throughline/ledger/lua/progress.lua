-- A running task says how far it is, and asks whether it shall stop: answers who asked for that, or nil.
--
-- keys: record
-- args: progress

-- A record that has expired is not brought back to life by news of its progress.
if redis.call('EXISTS', KEY.record) == 1 then redis.call('HSET', KEY.record, 'progress', ARG.progress) end
return redis.call('HGET', KEY.record, 'cancel_requested')
