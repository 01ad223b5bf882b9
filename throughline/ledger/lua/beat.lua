-- A worker's heartbeat: it lives and holds these tasks. By Redis's clock, since clocks of different hosts may differ.
--
-- flags: allow-oom
-- keys: workers worker_slots worker_tasks
-- args: worker slots held record_prefix
-- uses: clock stamp

-- A worker that was killed and started again no longer says what it held: of a task that has not ended, the heartbeat
-- before is the last sign of life, and is kept with it.
local before = redis.call('ZSCORE', KEY.workers, ARG.worker)
local held_before = redis.call('HGET', KEY.worker_tasks, ARG.worker)
if before and held_before and held_before ~= ARG.held then
  for id in string.gmatch(held_before, '%S+') do
    if not string.find(' ' .. ARG.held .. ' ', ' ' .. id .. ' ', 1, true) then
      local record = ARG.record_prefix .. id
      local status, worker, started, seen =
        unpack(redis.call('HMGET', record, 'status', 'worker', 'started_at', 'seen_at'))
      local sign = math.max(tonumber(started or 0), tonumber(seen or 0))
      if status == 'STARTED' and worker == ARG.worker and tonumber(before) > sign then
        redis.call('HSET', record, 'seen_at', before)
      end
    end
  end
end

redis.call('ZADD', KEY.workers, stamp, ARG.worker)
local _, held = string.gsub(ARG.held, '%S+', '')
redis.call('HSET', KEY.worker_slots, ARG.worker, ARG.slots .. ' ' .. held)
redis.call('HSET', KEY.worker_tasks, ARG.worker, ARG.held)
