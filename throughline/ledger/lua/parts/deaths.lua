-- Workers and their processes that died, the latest first and at most a hundred, and what is forgotten with a worker.

-- instance, started_at: of its latest start   before: the instance before   dead: the heartbeat after which its death was
-- told. Empty for a worker of a version that does not say when it started.
local function start_of(worker)
  local known = redis.call('HGET', KEY.worker_starts, worker)
  return known and cjson.decode(known) or {}
end

-- Those of these tasks that the worker runs, as their records say: the others it has only taken, or given up.
local function running(worker, held)
  local found = {}
  for id in string.gmatch(held or '', '%S+') do
    local status, holder = unpack(redis.call('HMGET', ARG.record_prefix .. id, 'status', 'worker'))
    if status == 'STARTED' and holder == worker then table.insert(found, id) end
  end
  return found
end

local function note_death(death, ids)
  death.at, death.task_id = death.at or stamp, nil
  for _, id in ipairs(ids) do
    local task_type, correlation_id = unpack(redis.call('HMGET', ARG.record_prefix .. id, 'task_type', 'correlation_id'))
    death.tasks = death.tasks or {}
    table.insert(death.tasks, {task_id = id, task_type = task_type or nil, correlation_id = correlation_id or nil})
  end
  redis.call('LPUSH', KEY.deaths, cjson.encode(death))
  redis.call('LTRIM', KEY.deaths, 0, 99)
  if death.process then redis.call('HINCRBY', KEY.worker_runs, death.worker .. ' lost', 1) end
end

-- The fields of all that is counted of a worker.
local function runs_of(worker)
  local fields = {worker .. ' lost'}
  for _, queue in ipairs({'high', 'medium', 'low', 'other'}) do
    for _, outcome in ipairs({'SUCCESS', 'FAILURE', 'RETRY', 'REVOKED'}) do
      table.insert(fields, table.concat({worker, queue, outcome}, ' '))
    end
  end
  return fields
end

local function forget_worker(worker)
  redis.call('ZREM', KEY.workers, worker)
  for _, key in ipairs({KEY.worker_slots, KEY.worker_tasks, KEY.worker_starts, KEY.worker_facts}) do
    redis.call('HDEL', key, worker)
  end
  redis.call('HDEL', KEY.worker_runs, unpack(runs_of(worker)))
end
