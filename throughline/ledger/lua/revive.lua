-- Puts a dead letter back into its queue that only the history has; one that is still here is replayed as it is.
--
-- keys: record attempts changes message queue result index open dead_letters unarchived owners listed ended hot
-- args: task_id requested_by caller why ttl status submitted_at message attempts changes
-- args: own_prefix anyone fields...
-- uses: clock stamp states moves asked_by lacked replayed
--
-- attempts and changes are JSON lists of what the lists in Redis held. Answers 1, or 0 for a task that is no dead letter
-- (any more): of two at once, one counts. The caller has read the history less than five seconds ago: a task that was
-- revived since then, has ended and was archived is still here, since nothing is forgotten sooner.

if redis.call('EXISTS', KEY.record) == 1 then
  local message = redis.call('GET', KEY.message)
  if not message or not redis.call('ZSCORE', KEY.dead_letters, ARG.task_id) then return 0 end
  replayed(message)
  return 1
end

if ARG.message == '' or not may(ARG.status, 'PENDING', 'replayed') then return 0 end
redis.call('HSET', KEY.record, ARG.fields)
for key, told in pairs({[KEY.attempts] = ARG.attempts, [KEY.changes] = ARG.changes}) do
  redis.call('DEL', key)
  for _, each in ipairs(cjson.decode(told)) do redis.call('RPUSH', key, each) end
end
redis.call('SET', KEY.message, ARG.message)
redis.call('ZADD', KEY.index, ARG.submitted_at, ARG.task_id)
redis.call('EXPIRE', KEY.index, ARG.ttl)
replayed(ARG.message)
return 1
