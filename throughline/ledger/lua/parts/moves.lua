-- A task's state changes by a move that states.py allows, or not at all.

local function is_among(words, word) return word and string.find(words, ' ' .. word .. ' ', 1, true) ~= nil end
local function is_final(status) return is_among(FINAL, status) end

local function may(before, after, reason)
  return is_among(MOVES, (before or '') .. '>' .. after .. ':' .. reason)
end

-- Ends the script with an error when the move is not allowed: called before anything is written.
local function must(record, before, after, reason)
  if may(before, after, reason) then return end
  local correlation_id = redis.call('HGET', record, 'correlation_id') or 'unknown'
  error({err = string.format('REFUSED_MOVE %s %s %s %s', before or 'none', after, reason, correlation_id)})
end

-- Worker, process, attempt and its sign of life are in the record only while the task runs.
local function move(record, before, after, reason)
  must(record, before, after, reason)
  redis.call('HSET', record, 'status', after)
  redis.call('HINCRBY', record, 'version', 1)
  if before == 'STARTED' then redis.call('HDEL', record, 'worker', 'process', 'attempt', 'seen_at') end
end

-- The latest attempt, if it has not ended yet, ends here; answers it, or nil when there was none to end. last_seen_at is
-- that of a lost one: its last sign of life, after which nobody knows what it did.
local function close_attempt(attempts, outcome, ended_by, error_class, last_seen_at)
  local last = redis.call('LINDEX', attempts, -1)
  local attempt = last and cjson.decode(last)
  if not attempt or attempt.finished_at then return nil end
  attempt.finished_at, attempt.outcome = stamp, outcome
  if ended_by ~= 'returned' then attempt.ended_by = ended_by end
  if error_class and error_class ~= '' then attempt.error = error_class end
  attempt.last_seen_at = last_seen_at
  redis.call('LSET', attempts, -1, cjson.encode(attempt))
  return attempt
end

-- A change that is not the start or end of an attempt. The list is bounded, and lives as long as the record does.
local function note(record, changes, change)
  change.at = stamp
  redis.call('RPUSH', changes, cjson.encode(change))
  redis.call('LTRIM', changes, -100, -1)
  local lifetime = redis.call('TTL', record)
  if lifetime >= 0 then redis.call('EXPIRE', changes, math.max(1, lifetime)) end
end
