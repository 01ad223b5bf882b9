-- Puts a dead letter back into its queue; its attempts stay on record.
--
-- keys: record attempts changes message queue result open dead_letters unarchived owners listed ended hot
-- args: task_id requested_by caller why own_prefix anyone
-- uses: clock stamp states moves asked_by lacked replayed
--
-- Answers 1, or 0 for a task that is no dead letter (any more): of two replays at once, one counts.

local message = redis.call('GET', KEY.message)
if not message or not redis.call('ZSCORE', KEY.dead_letters, ARG.task_id) then return 0 end
replayed(message)
return 1
