-- Puts a dead letter back into its queue, as if it had never been delivered; its attempts stay on record.
--
-- keys: record attempts changes message queue result open dead_letters
-- args: task_id ttl requested_by
-- uses: clock stamp states moves
--
-- Answers 1, or 0 for a task that is no dead letter (any more): of two replays at once, one counts.

local record = KEY.record
local message = redis.call('GET', KEY.message)
if not message or not redis.call('ZSCORE', KEY.dead_letters, ARG.task_id) then return 0 end

move(record, redis.call('HGET', record, 'status'), 'PENDING', 'replayed')
redis.call('ZREM', KEY.dead_letters, ARG.task_id)
redis.call('HDEL', record, 'deliveries', 'retries', 'started_at', 'finished_at', 'progress', 'cancel_requested')
redis.call('DEL', KEY.result)
for _, key in ipairs({record, KEY.message, KEY.attempts}) do redis.call('EXPIRE', key, ARG.ttl) end
note(record, KEY.changes, {status = 'PENDING', reason = 'replayed', requested_by = ARG.requested_by})
redis.call('ZADD', KEY.open, stamp, ARG.task_id)
redis.call('LPUSH', KEY.queue, message)
return 1
