-- Until it has ended, a task of the front door has no lifetime, however long it waits: the sweep sees to it that it ends.
-- Nobody puts back another, which has no message here: it lives on for so long.
local function keep(ttl)
  if redis.call('EXISTS', KEY.message) == 1 then return end
  for _, key in ipairs({KEY.record, KEY.attempts, KEY.changes}) do redis.call('EXPIRE', key, ttl) end
end
