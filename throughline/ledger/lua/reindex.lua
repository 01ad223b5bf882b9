-- Makes the indices say of these tasks what their records say. What the version before wrote is in none of them, and a
-- record that has expired leaves its ID behind.
--
-- flags: allow-oom
-- keys: unarchived owners listed ended hot open delayed dead_letters
-- args: record_prefix own_prefix anyone tasks...
-- uses: states moves lacked
--
-- Answers the IDs whose place was another one.

local changed = {}
for _, id in ipairs({ARG.tasks}) do
  local status, version, archived, submitted_at, finished_at = unpack(redis.call('HMGET', ARG.record_prefix .. id,
    'status', 'version', 'archived', 'submitted_at', 'finished_at'))
  local is_over = is_final(status)
  local is_archived = is_over and archived == (version or '0')
  local moves = 0
  local function be(key, is_in, score)
    local member = redis.call('ZSCORE', key, id)
    if is_in and not member then moves = moves + redis.call('ZADD', key, score or 0, id) end
    if member and not is_in then moves = moves + redis.call('ZREM', key, id) end
  end
  local owner = status and not is_archived and owner_of(ARG.record_prefix .. id)
  local is_in = redis.call('ZSCORE', KEY.unarchived, id) ~= false
  local is_listed = redis.call('SISMEMBER', KEY.listed, id) == 1
  if is_in ~= (owner ~= false) or is_listed ~= is_in or (redis.call('HGET', KEY.owners, id) or '') ~= (owner or '') then
    moves = moves + 1
    history_has(id)
    if owner then history_lacks(id, ARG.record_prefix .. id, submitted_at or 0) end
  end
  be(KEY.ended, is_over and not is_archived, finished_at)
  be(KEY.hot, is_archived, finished_at)
  if not status or is_over then
    be(KEY.open, false)
    be(KEY.delayed, false)
  end
  if not status then be(KEY.dead_letters, false) end
  if moves > 0 then table.insert(changed, id) end
end
return changed
