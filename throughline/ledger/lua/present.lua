-- Processes say that they run, and which version: one line `service instance version` each.
--
-- flags: allow-oom
-- keys: instances
-- args: instances...
-- uses: clock stamp
--
-- Kept of each: its version, since when it runs that, and when it was last heard of. One that was restarted with the same
-- version goes on.

for _, told in ipairs({ARG.instances}) do
  local instance, version = string.match(told, '^(%S+ %S+) (%S+)$')
  local known, since = string.match(redis.call('HGET', KEY.instances, instance) or '', '^(%S+) (%S+) ')
  if known ~= version then since = stamp end
  redis.call('HSET', KEY.instances, instance, version .. ' ' .. since .. ' ' .. stamp)
end
