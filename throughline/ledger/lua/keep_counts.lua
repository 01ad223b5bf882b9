-- Keeps what was counted of runs, for a comparison of versions later, unless that was done a moment ago: by whichever
-- monitor, and before a release restarts them.
--
-- flags: allow-oom
-- keys: counts kept_counts
-- args: every_seconds most
-- uses: clock stamp

local latest = redis.call('LINDEX', KEY.kept_counts, 0)
if latest and now - tonumber(string.match(latest, '^%S+')) < tonumber(ARG.every_seconds) then return end
local told, ran = redis.call('HGETALL', KEY.counts), {}
for i = 1, #told, 2 do
  if string.find(told[i], '^ran') then ran[told[i]] = told[i + 1] end
end
redis.call('LPUSH', KEY.kept_counts, stamp .. ' ' .. cjson.encode(ran))
redis.call('LTRIM', KEY.kept_counts, 0, tonumber(ARG.most) - 1)
