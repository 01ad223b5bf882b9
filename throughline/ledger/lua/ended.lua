-- Reads tasks that have ended and that the history does not have yet, the oldest first. Changes nothing.
--
-- flags: no-writes
-- keys: ended
-- args: most bytes without record_prefix attempts_suffix changes_suffix message_suffix result_prefix
--
-- most, bytes: when it stops: a result or a message may have a megabyte, and Redis answers nobody else meanwhile
-- without: a JSON list of IDs that are left out, and do not count
--
-- Answers {how many there are, {task id, {field, value…}, {attempt…}, {change…}, result, message}…}; a task whose record
-- is gone has no fields.

local left_out, most = {}, tonumber(ARG.most)
for _, id in ipairs(cjson.decode(ARG.without)) do
  left_out[id], most = true, most + 1
end

local found, bytes = {redis.call('ZCARD', KEY.ended)}, 0
for _, id in ipairs(redis.call('ZRANGE', KEY.ended, 0, most - 1)) do
  if not left_out[id] then
    local record = ARG.record_prefix .. id
    local result = redis.call('GET', ARG.result_prefix .. id) or ''
    local message = redis.call('GET', record .. ARG.message_suffix) or ''
    table.insert(found, {
      id,
      redis.call('HGETALL', record),
      redis.call('LRANGE', record .. ARG.attempts_suffix, 0, -1),
      redis.call('LRANGE', record .. ARG.changes_suffix, 0, -1),
      result,
      message,
    })
    bytes = bytes + #result + #message
    if bytes >= tonumber(ARG.bytes) then break end
  end
end
return found
