-- The time in seconds by Redis's clock, or the one that a test gives: `now` as a number, `stamp` as records keep it.
local stamp = ARG.now
if stamp == '' then
  local clock = redis.call('TIME')
  stamp = string.format('%d.%06d', clock[1], clock[2])
end
local now = tonumber(stamp)
