-- How many tasks of its queue start before this one, itself included; nil when it does not wait there.
--
-- flags: no-writes
-- keys: message queue queued
-- args: task_id
-- uses: messages

local _, place = find_message(KEY.queue, ARG.task_id, redis.call('GET', KEY.message), KEY.queued)
return place
