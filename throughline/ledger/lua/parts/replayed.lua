-- A dead letter goes back into its queue, as if it had never been delivered. The history's copy is out of date from now
-- on, and nothing of the task expires before it has ended.
local function replayed(message)
  local record = KEY.record
  local status, submitted_at = unpack(redis.call('HMGET', record, 'status', 'submitted_at'))
  move(record, status, 'PENDING', 'replayed')
  for _, index in ipairs({KEY.dead_letters, KEY.ended, KEY.hot}) do redis.call('ZREM', index, ARG.task_id) end
  redis.call('HDEL', record, 'deliveries', 'retries', 'started_at', 'finished_at', 'progress', 'cancel_requested', 'archived')
  redis.call('DEL', KEY.result)
  for _, key in ipairs({record, KEY.attempts, KEY.changes, KEY.message}) do redis.call('PERSIST', key) end
  note(record, KEY.changes, asked_by({status = 'PENDING', reason = 'replayed'}))
  history_lacks(ARG.task_id, record, submitted_at)
  redis.call('ZADD', KEY.open, stamp, ARG.task_id)
  redis.call('LPUSH', KEY.queue, message)
end
