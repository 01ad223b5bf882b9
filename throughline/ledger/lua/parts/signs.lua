-- When a running attempt last gave a sign of life, whose worker or process is gone.

local function latest_of(signs)
  local latest = 0
  for _, sign in ipairs(signs) do latest = math.max(latest, tonumber(sign) or 0) end
  return string.format('%.6f', math.min(latest, now))
end

-- Its start, what is in its record, or the last heartbeat that says that its worker holds it.
local function last_sign(record, task_id)
  local worker, started, seen = unpack(redis.call('HMGET', record, 'worker', 'started_at', 'seen_at'))
  local held = worker and ' ' .. (redis.call('HGET', KEY.worker_tasks, worker) or '') .. ' '
  local beat = held and string.find(held, ' ' .. task_id .. ' ', 1, true) and redis.call('ZSCORE', KEY.workers, worker)
  return latest_of({started or 0, seen or 0, beat or 0})
end
