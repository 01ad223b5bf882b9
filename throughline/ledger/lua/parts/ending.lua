-- What every end of a task has in common. From here on the history may have it, and what Redis keeps of it has a lifetime:
-- for when nobody archives it.
local function end_task(ttl)
  redis.call('HSET', KEY.record, 'finished_at', stamp)
  for _, key in ipairs({KEY.record, KEY.attempts, KEY.changes, KEY.message}) do redis.call('EXPIRE', key, ttl) end
  redis.call('ZREM', KEY.open, ARG.task_id)
  redis.call('ZADD', KEY.ended, stamp, ARG.task_id)
  redis.call('PUBLISH', KEY.finished, ARG.task_id)
end
