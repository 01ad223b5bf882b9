-- Processes say that they run, and which version: one line `service instance version` each, and how many milliseconds the
-- clock of their host is ahead of Redis's, where that is known.
--
-- flags: allow-oom
-- keys: instances clocks
-- args: alive_seconds instances...
-- uses: clock stamp
--
-- Kept of each: its version, since when it runs that, and when it was last heard of. One that was restarted with the same
-- version goes on. Answers how many replicas of the api there are.

for _, told in ipairs({ARG.instances}) do
  local instance, version, ahead = string.match(told, '^(%S+ %S+) (%S+) ?(%S*)$')
  local known, since = string.match(redis.call('HGET', KEY.instances, instance) or '', '^(%S+) (%S+) ')
  if known ~= version then since = stamp end
  redis.call('HSET', KEY.instances, instance, version .. ' ' .. since .. ' ' .. stamp)
  if ahead ~= '' then redis.call('HSET', KEY.clocks, instance, ahead .. ' ' .. stamp) end
end

local replicas, all = 0, redis.call('HGETALL', KEY.instances)
for i = 1, #all, 2 do
  local seen = tonumber(string.match(all[i + 1], ' (%S+)$') or '')
  if string.sub(all[i], 1, 4) == 'api ' and seen and now - seen <= tonumber(ARG.alive_seconds) then replicas = replicas + 1 end
end
return replicas
