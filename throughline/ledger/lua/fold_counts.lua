-- What was counted of these versions is added up as that of one, so that the counts do not grow with each deployment.
--
-- flags: allow-oom
-- keys: counts
-- args: older versions...
--
-- older: what they are called from now on

local is_old = {}
for _, each in ipairs({ARG.versions}) do is_old[each] = true end

local all = redis.call('HGETALL', KEY.counts)
for i = 1, #all, 2 do
  local field = all[i]
  local before, version, after = string.match(field, '^(ran|[^|]+|[^|]+|)([^|]*)(|.*)$')
  if not before then before, version, after = string.match(field, '^(ran_us|[^|]+|)([^|]*)(|.*)$') end
  if before and is_old[version] then
    redis.call('HINCRBY', KEY.counts, before .. ARG.older .. after, all[i + 1])
    redis.call('HDEL', KEY.counts, field)
  end
end
