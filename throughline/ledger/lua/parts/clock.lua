-- The time in seconds since 1970 by Redis's clock, or the one that a test gives.
local now = tonumber(ARG.now)
if not now then
  local clock = redis.call('TIME')
  now = clock[1] + clock[2] / 1000000
end
