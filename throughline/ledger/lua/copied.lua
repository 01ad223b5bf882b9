-- The history has these tasks, each as of a version. One that was replayed since then stays to be copied.
--
-- flags: allow-oom
-- keys: unarchived owners listed ended hot
-- args: record_prefix own_prefix anyone tasks...
-- uses: states moves lacked
--
-- tasks: IDs and versions in turn. Answers the IDs that only wait to be forgotten from now on.

local done, tasks = {}, {ARG.tasks}
for i = 1, #tasks, 2 do
  local id, version = tasks[i], tasks[i + 1]
  local record = ARG.record_prefix .. id
  local status, now_at, finished_at = unpack(redis.call('HMGET', record, 'status', 'version', 'finished_at'))
  if not status then -- it has expired
    history_has(id)
    for _, index in ipairs({KEY.ended, KEY.hot}) do redis.call('ZREM', index, id) end
  elseif is_final(status) and (now_at or '0') == version then
    redis.call('HSET', record, 'archived', version)
    redis.call('ZADD', KEY.hot, finished_at or 0, id)
    redis.call('ZREM', KEY.ended, id)
    history_has(id)
    table.insert(done, id)
  end
end
return done
