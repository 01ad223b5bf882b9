-- A worker's heartbeat: it lives, holds these tasks, and has lost these processes. By Redis's clock, since clocks of
-- different hosts may differ.
--
-- flags: allow-oom
-- keys: workers worker_slots worker_tasks worker_starts worker_facts worker_runs deaths
-- args: worker slots held instance facts record_prefix lost...
-- uses: clock stamp deaths
--
-- instance: another one for each start of the worker; '' for one that does not say it
-- facts: what the worker says of itself, as JSON: see workers.py   lost: its processes that died, each as JSON
-- Answers nil or, when the worker was killed and started again before its death was noticed, its last sign of life.

local before = redis.call('ZSCORE', KEY.workers, ARG.worker)
local held_before = redis.call('HGET', KEY.worker_tasks, ARG.worker)
local killed
if ARG.instance ~= '' then
  local start = start_of(ARG.worker)
  if start.instance ~= ARG.instance then
    -- Two workers of one name would otherwise tell each other's death for ever.
    if before and start.instance and start.before ~= ARG.instance and start.dead ~= before then
      killed = before
      local ran = running(ARG.worker, held_before)
      note_death({worker = ARG.worker, cause = 'restarted', last_seen_at = before}, ran)
    end
    start = {instance = ARG.instance, before = start.instance, started_at = stamp}
    redis.call('HDEL', KEY.worker_runs, unpack(runs_of(ARG.worker)))
    redis.call('HSET', KEY.worker_starts, ARG.worker, cjson.encode(start))
  end
  redis.call('HSET', KEY.worker_facts, ARG.worker, ARG.facts)
end

-- A worker that was killed and started again no longer says what it held: of a task that has not ended, the heartbeat
-- before is the last sign of life, and is kept with it.
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
for _, each in ipairs({ARG.lost}) do
  local death = cjson.decode(each)
  death.worker, death.at = ARG.worker, string.format('%.6f', now - tonumber(death.ago))
  death.ago = nil
  note_death(death, {death.task_id})
end
return killed
