-- Which versions run now, and which of them are new: a deployment is told by the first call that sees it, and by no other.
--
-- flags: allow-oom
-- keys: instances clocks versions deployments
-- args: alive_seconds most services...
-- uses: clock stamp states moves
--
-- Answers an object: new, the deployments that no call has told before, and running, each version of each service.
--
-- A deployment is that a service runs a version that it did not run when it was last looked at, and that is not its
-- current one; the first of its instances is enough. It is also one that the current version runs no more and an older
-- one goes on: a release that was taken back half-way. What runs when a service is first seen is none.
-- An instance counts from its second sign of life: one that dies as it starts would be a deployment each time.
-- NGINX gives signs of life with requests alone: while there are none, what was seen last is what runs. Replicas tell of it
-- a few seconds late, so that one may still tell the version before: it counts once nobody has said otherwise for a while.

local alive_seconds = tonumber(ARG.alive_seconds)
local told = redis.call('HGETALL', KEY.instances)
local seen, last = {}, {}
for i = 1, #told, 2 do
  local service = string.match(told[i], '^(%S+) ')
  local version, since, at = string.match(told[i + 1], '^(%S+) (%S+) (%S+)$')
  local one = {key = told[i], version = version, since = tonumber(since), at = tonumber(at)}
  seen[service] = seen[service] or {}
  table.insert(seen[service], one)
  last[service] = math.max(last[service] or 0, one.at)
end

-- After a time in which nobody looked, or in which Redis was away, not all have been heard of again.
local looked_at, resumed_at = unpack(redis.call('HMGET', KEY.versions, 'looked_at', 'resumed_at'))
if not looked_at or now - tonumber(looked_at) > alive_seconds then resumed_at = stamp end
local all_are_back = now - tonumber(resumed_at) > alive_seconds
redis.call('HSET', KEY.versions, 'looked_at', stamp, 'resumed_at', resumed_at)

-- By version: since when its first instance runs, when its latest began, and how many there are.
local function running_of(service)
  local from, found = service == 'nginx' and last[service] or now, {}
  for _, one in ipairs(seen[service] or {}) do
    if from - one.at > alive_seconds then
      if all_are_back then
        redis.call('HDEL', KEY.instances, one.key)
        redis.call('HDEL', KEY.clocks, one.key)
      end
    elseif (service == 'nginx' and now - one.since > alive_seconds / 3) or (service ~= 'nginx' and one.at > one.since) then
      local known = found[one.version] or {version = one.version, since = one.since, latest = one.since, instances = 0}
      known.since, known.latest = math.min(known.since, one.since), math.max(known.latest, one.since)
      known.instances = known.instances + 1
      found[one.version] = known
    end
  end
  local list = {}
  for _, each in pairs(found) do table.insert(list, each) end
  table.sort(list, function(a, b) return a.since < b.since or (a.since == b.since and a.version < b.version) end)
  return list, found
end

local new, running = {}, {}
local function deploy(service, state, version, at)
  local one = {service = service, version = version, previous_version = state.current, at = at}
  table.insert(new, one)
  redis.call('LPUSH', KEY.deployments, cjson.encode(one))
  redis.call('LTRIM', KEY.deployments, 0, tonumber(ARG.most) - 1)
  state.current, state.since = version, at
end

for _, service in ipairs({ARG.services}) do
  local list, found = running_of(service)
  local kept = redis.call('HGET', KEY.versions, service)
  local state = kept and cjson.decode(kept)
  if #list > 0 then
    local newest = list[1]
    for _, each in ipairs(list) do
      if each.latest > newest.latest then newest = each end
    end
    if not state then state = {current = newest.version, since = newest.since, running = ' '} end
    for _, each in ipairs(list) do
      if kept and each.version ~= state.current and not is_among(state.running, each.version) then
        deploy(service, state, each.version, each.since)
      end
    end
    if all_are_back and not found[state.current] then
      deploy(service, state, newest.version, newest.latest > state.since and newest.latest or now)
    end
    state.running = all_are_back and ' ' or state.running
    for _, each in ipairs(list) do
      state.running = state.running .. each.version .. ' '
      table.insert(running, {service = service, version = each.version, since = each.since, instances = each.instances})
    end
    redis.call('HSET', KEY.versions, service, cjson.encode(state))
  end
end

local answer = cjson.encode({new = new, running = running})
redis.call('HSET', KEY.versions, 'seen', answer)
return answer
