-- Looks whether these are still the data that the caller has seen: they have an identity, and a number that only grows.
-- Where they are not, whoever looks learns so, and since when it is known is noted for all.
--
-- flags: allow-oom
-- keys: data
-- args: known_id known_number new_id
-- uses: clock stamp
--
-- Answers {1 when data were lost, identity, number, when that was found out or ''}

local id, number, lost_at = unpack(redis.call('HMGET', KEY.data, 'id', 'number', 'lost_at'))
local knows = ARG.known_id ~= ''
local is_other = knows and id ~= ARG.known_id
local is_older = knows and not is_other and tonumber(number) < tonumber(ARG.known_number)
if not id then
  id = ARG.new_id
  redis.call('HSET', KEY.data, 'id', id)
end
if is_older then redis.call('HSET', KEY.data, 'number', ARG.known_number) end
-- Another monitor may have noted the same loss a moment ago.
if is_older or is_other and not (lost_at and now - tonumber(lost_at) < 60) then
  lost_at = stamp
  redis.call('HSET', KEY.data, 'lost_at', lost_at)
end
number = redis.call('HINCRBY', KEY.data, 'number', 1)
return {(is_other or is_older) and 1 or 0, id, number, lost_at or ''}
