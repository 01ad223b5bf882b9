-- The time of clock.lua as records keep it.
local stamp = string.format('%.6f', now)
