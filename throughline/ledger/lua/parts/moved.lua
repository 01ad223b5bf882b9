-- A message came whose task has no record here: has the task ended and been forgotten? One of the front door has: its
-- record has no lifetime before the end. Of another there is a tombstone, for as long as its message may come again.
local function has_moved()
  return ARG.recorded ~= '' or redis.call('EXISTS', KEY.moved) == 1
end
