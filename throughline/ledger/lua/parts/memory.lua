-- How much memory Redis uses, as it compares it with its `maxmemory` itself, and whether that leaves room for new tasks.
-- The rest is the reserve out of which everything that was accepted is claimed, run, stored and told.

local function memory()
  local info = redis.call('INFO', 'memory')
  local function figure(name) -- looked up as plain text first: a pattern alone takes longer than Redis does
    local _, colon = string.find(info, name, 1, true)
    return colon and tonumber(string.match(info, '^%d+', colon + 1)) or 0
  end
  local most = figure('\nmaxmemory:')
  -- What waits to be written to the disk and to replicas does not count: it leaves by itself.
  local used = figure('\nused_memory:') - figure('\nmem_not_counted_for_evict:')
  local limit = most * tonumber(ARG.memory_percent) / 100
  return {used = used, most = most, limit = limit, is_full = most > 0 and used > limit}
end

-- Answers 'full' when refusals begin and 'freed' when there has been room for ten seconds, else nil: memory goes up and
-- down around the limit, and whoever is told wants to hear of it once. The time is noted once a second, since each
-- write goes to the disk.
local function note_memory(is_full)
  local since, at = unpack(redis.call('HMGET', KEY.memory, 'since', 'at'))
  if is_full then
    if not since or now - tonumber(at) >= 1 then redis.call('HSET', KEY.memory, 'at', stamp) end
    if since then return nil end
    redis.call('HSET', KEY.memory, 'since', stamp)
    redis.call('HINCRBY', KEY.memory, 'count:full', 1)
    return 'full'
  end
  if not since or now - tonumber(at) < 10 then return nil end
  redis.call('HDEL', KEY.memory, 'since', 'at', 'used', 'used_at', 'fall')
  redis.call('HINCRBY', KEY.memory, 'count:freed', 1)
  return 'freed'
end
