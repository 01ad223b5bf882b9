-- A task that ends without a run that ends with it: one that ends with its run is counted by that. Whoever sends a task
-- past the api may call it anything: a name counts that a worker has run, or the api has taken.
local function is_made_up() return redis.call('EXISTS', KEY.message, KEY.attempts) == 0 end
local function count_task(task_type, status) count('ended|' .. status .. '|', task_type or 'other', is_made_up) end

-- What every end of a task has in common. From here on the history may have it, and what Redis keeps of it has a lifetime:
-- for when nobody archives it.
local function end_task(ttl)
  redis.call('HSET', KEY.record, 'finished_at', stamp)
  for _, key in ipairs({KEY.record, KEY.attempts, KEY.changes, KEY.message}) do redis.call('EXPIRE', key, ttl) end
  redis.call('ZREM', KEY.open, ARG.task_id)
  redis.call('ZADD', KEY.ended, stamp, ARG.task_id)
  redis.call('PUBLISH', KEY.finished, ARG.task_id)
end
