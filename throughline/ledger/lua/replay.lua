-- Puts a dead letter back into its queue, as if it had never been delivered; its attempts stay on record.
--
-- keys: record message queue result open dead_letters
-- args: task_id ttl
-- uses: clock
--
-- Answers 1, or 0 for a task that is no dead letter (any more): of two replays at once, one counts.

local message = redis.call('GET', KEY.message)
if not message or redis.call('ZREM', KEY.dead_letters, ARG.task_id) == 0 then return 0 end

redis.call('HSET', KEY.record, 'status', 'PENDING')
redis.call('HDEL', KEY.record, 'deliveries', 'retries', 'started_at', 'finished_at', 'progress', 'cancel_requested')
redis.call('DEL', KEY.result)
for _, key in ipairs({KEY.record, KEY.message}) do redis.call('EXPIRE', key, ARG.ttl) end
redis.call('ZADD', KEY.open, stamp, ARG.task_id)
redis.call('LPUSH', KEY.queue, message)
return 1
