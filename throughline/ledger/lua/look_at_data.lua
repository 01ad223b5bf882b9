-- Looks whether these are still the data that the caller has seen: they have an identity, and a number that only grows.
-- Where they are not, that is noted for all: since when it is known, and instead of which data these are here.
--
-- flags: allow-oom
-- keys: data
-- args: known_id known_number known_before new_id
-- uses: clock stamp
--
-- `known_before` is what the data that are gone had noted themselves, or ''.
-- Answers {'' or other or older, first or again or past, identity, number, what is noted, when that was found out or ''}

local AGAIN_SECONDS = 60 -- another monitor tells the same loss at its next look
local MOST = 20

local id, number, before, lost_at = unpack(redis.call('HMGET', KEY.data, 'id', 'number', 'before', 'lost_at'))
local known_id, known_number = ARG.known_id, tonumber(ARG.known_number)
local loss, news = '', ''
if known_id ~= '' and id ~= known_id then
  loss = 'other'
elseif known_id ~= '' and tonumber(number or 0) < known_number then
  loss = 'older'
end
if not id or loss == 'older' then
  id = ARG.new_id -- older data go on as others: what another monitor, or the history, knows is told apart from them
  redis.call('HSET', KEY.data, 'id', id)
end

if loss ~= '' then
  news = 'first'
  local noted = before and cjson.decode(before) or {}
  for _, each in ipairs(noted) do
    if each.id == known_id then
      if now - each.at < AGAIN_SECONDS then news = 'again' elseif known_number <= each.number then news = 'past' end
    end
  end
  if news == 'first' then
    local all = ARG.known_before ~= '' and cjson.decode(ARG.known_before) or {}
    for _, each in ipairs(noted) do all[#all + 1] = each end
    all[#all + 1] = {id = known_id, number = known_number, at = now}
    local latest = {}
    for place = math.max(1, #all - MOST + 1), #all do latest[#latest + 1] = all[place] end
    before, lost_at = cjson.encode(latest), stamp
    redis.call('HSET', KEY.data, 'before', before, 'lost_at', lost_at)
  end
end
number = redis.call('HINCRBY', KEY.data, 'number', 1)
return {loss, news, id, number, before or '', lost_at or ''}
