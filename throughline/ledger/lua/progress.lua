-- Stores a running task's progress, which is a sign of life. Answers the correlation ID of the request that cancelled it,
-- or nil.
--
-- flags: allow-oom
-- keys: record
-- args: progress
-- uses: clock stamp

-- A task that has ended, or is forgotten, stays as it is, whatever its late attempt says.
if redis.call('HGET', KEY.record, 'status') == 'STARTED' then
  redis.call('HSET', KEY.record, 'progress', ARG.progress, 'seen_at', stamp)
end
return redis.call('HGET', KEY.record, 'cancel_requested')
