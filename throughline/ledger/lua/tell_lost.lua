-- Which of these tasks nobody has told yet as lost with Redis's data: the caller tells them, and no other monitor does.
--
-- flags: allow-oom
-- keys: told_lost
-- args: ttl task_ids...

local new = {}
for _, id in ipairs({ARG.task_ids}) do
  if redis.call('SADD', KEY.told_lost, id) == 1 then new[#new + 1] = id end
end
if #new > 0 then redis.call('EXPIRE', KEY.told_lost, ARG.ttl) end
return new
