-- Until it has ended, a task of the front door has no lifetime, however long it waits: the sweep sees to it that it ends.
-- Nobody puts back another, which has no message here: it lives on for so long.
local function keep(ttl)
  local is_of_front_door = redis.call('EXISTS', KEY.message) == 1
  for _, key in ipairs({KEY.record, KEY.attempts, KEY.changes, KEY.message}) do
    if is_of_front_door then redis.call('PERSIST', key) else redis.call('EXPIRE', key, ttl) end
  end
end
