-- How many runs and tasks have ended, and how long runs took and waited, in one hash; counts.py reads it and says what its
-- fields are. It is bounded: when it has grown too large, what would be new in it counts as `other`.

local function count(kind, task_type, is_made_up)
  local field = kind .. task_type
  if redis.call('HINCRBY', KEY.counts, field, 1) > 1 then return task_type end
  if redis.call('HLEN', KEY.counts) <= MOST_COUNTS and not (is_made_up and is_made_up()) then return task_type end
  redis.call('HDEL', KEY.counts, field)
  redis.call('HINCRBY', KEY.counts, kind .. 'other', 1)
  return 'other'
end

-- One more of this kind, which took so many seconds: in whole microseconds, so that the sum is exact.
local function count_time(kind, of, task_type, seconds)
  task_type = count(kind .. '|' .. bound_of(seconds) .. of, task_type)
  redis.call('HINCRBY', KEY.counts, kind .. '_us' .. of .. task_type, string.format('%.0f', seconds * 1000000))
end

-- Of the attempt that close_attempt has ended, if it has. One of an earlier version says neither its version nor its wait.
local function count_run(ended, task_type, queue)
  if not ended then return end
  local name, version = task_type or 'other', ended.version or ''
  local ran = tonumber(ended.last_seen_at or ended.finished_at) - tonumber(ended.started_at)
  count_time('ran', '|' .. ended.outcome .. '|' .. version .. '|', name, math.max(0, ran))
  if ended.queue_wait then count_time('waited', '|' .. (queue or '') .. '|', name, tonumber(ended.queue_wait)) end
  local of = (queue == 'high' or queue == 'medium' or queue == 'low') and queue or 'other'
  redis.call('HINCRBY', KEY.worker_runs, table.concat({ended.worker, of, ended.outcome}, ' '), 1)
end
