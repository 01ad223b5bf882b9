-- Removes from Redis all that it keeps of these tasks: only of those that the history has as they are now.
--
-- flags: allow-oom
-- keys: unarchived owners listed ended hot open delayed dead_letters
-- args: record_prefix attempts_suffix changes_suffix message_suffix result_prefix moved_prefix correlation_prefix
-- args: own_prefix anyone tombstone_seconds tasks...
-- uses: states moves lacked
--
-- Answers the IDs of which Redis has nothing now: not all when they are large, since to free a hundred strings of 1 MB
-- takes Redis 10 ms, whatever UNLINK promises. A task that was sent past the front door leaves a tombstone: see
-- moved.lua. The front door's alone have a message.

local gone, bytes = {}, 0
for _, id in ipairs({ARG.tasks}) do
  local record = ARG.record_prefix .. id
  local status, version, archived, correlation_id =
    unpack(redis.call('HMGET', record, 'status', 'version', 'archived', 'correlation_id'))
  local is_archived = status and is_final(status) and archived == (version or '0')
  if is_archived then
    local message, result = record .. ARG.message_suffix, ARG.result_prefix .. id
    bytes = bytes + redis.call('STRLEN', message) + redis.call('STRLEN', result)
    if redis.call('EXISTS', message) == 0 then
      redis.call('SET', ARG.moved_prefix .. id, status, 'EX', ARG.tombstone_seconds)
    end
    redis.call('UNLINK', record, record .. ARG.attempts_suffix, record .. ARG.changes_suffix, message, result)
    if correlation_id then redis.call('ZREM', ARG.correlation_prefix .. correlation_id, id) end
  end
  if is_archived or not status then -- one without a record has expired
    history_has(id)
    for _, index in ipairs({KEY.hot, KEY.ended, KEY.open, KEY.delayed, KEY.dead_letters}) do
      redis.call('ZREM', index, id)
    end
    table.insert(gone, id)
  end
  if bytes > 40000000 then break end
end
return gone
