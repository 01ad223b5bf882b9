-- Looks at Redis's memory: begins or ends the refusal of new tasks though nobody submits one, and measures how fast
-- memory becomes free meanwhile. The front door's Retry-After comes from that.
--
-- flags: allow-oom
-- keys: memory
-- args: memory_percent
-- uses: clock stamp memory
--
-- Answers 'full' or 'freed' when that has just begun, else nil.

local found = memory()
local told = note_memory(found.is_full)
if not found.is_full then return told end

-- Nothing is taken meanwhile, so what memory loses is what finished tasks free: a mean weighted over some 30 s. Two
-- monitors that look in the same second measure once.
local used, used_at, fall = unpack(redis.call('HMGET', KEY.memory, 'used', 'used_at', 'fall'))
local seconds = used and now - tonumber(used_at)
if not used or seconds >= 1 then
  if used then
    local rate, weight = (tonumber(used) - found.used) / seconds, 1 - math.exp(-seconds / 30)
    redis.call('HSET', KEY.memory, 'fall', string.format('%.0f', fall and fall + weight * (rate - fall) or rate))
  end
  redis.call('HSET', KEY.memory, 'used', string.format('%.0f', found.used), 'used_at', stamp)
end
return told
