-- A worker process is about to run a task: records the attempt, or says why the task must not run.
--
-- flags: allow-oom
-- keys: record attempts changes message result index drain promises high medium low open delayed dead_letters workers worker_tasks
-- keys: finished unarchived owners listed ended moved counts worker_runs
-- args: task_id recorded celery_started ttl worker process version queue max_deliveries celery_dead alive_seconds take
-- args: published own_prefix anyone fields...
-- uses: clock stamp states moves signs counts ending moved lifetime lacked celery
--
-- Answers an object: outcome, at (now), and what goes with it.
--   run      attempt: the number that the process must give to store the task's end; started_at, queue_wait, take
--   dead     attempt: each process that it was delivered to was lost
--   cancel   requested_by: it is to be cancelled
--   running  a live worker has it
--   SUCCESS, FAILURE, REVOKED   it has ended already; attempt and before are the latest
--   moved    it has ended, and the history has it
-- take is how many seconds ago the worker took the message, '' when it does not know; published, how many seconds ago its
-- sender says that he sent it, '' for a task through the front door.
-- recorded is '' for a task that did not come through the front door, and fields are such a task's.
-- before is the latest attempt as it ended; lost is true for the first caller since its process was cut off, closed when
-- this very call has ended it. waits_since is when it came into its queue for the last time.

local record, attempts, drain, ttl = KEY.record, KEY.attempts, KEY.drain, ARG.ttl

local status, cancel_requested, promised, holder, process, number, started, deliveries, version, submitted,
  task_type, queue =
  unpack(redis.call('HMGET', record, 'status', 'cancel_requested', 'estimated_start', 'worker', 'process', 'attempt',
    'started_at', 'deliveries', 'version', 'submitted_at', 'task_type', 'queue'))

local function latest()
  local last = redis.call('LINDEX', attempts, -1)
  return last and cjson.decode(last) or nil
end
local function numbered(attempt) -- its number is its place in the list, and not stored
  if attempt then attempt.number = redis.call('LLEN', attempts) end
  return attempt
end

if is_final(status) then
  local before = numbered(latest())
  return cjson.encode({outcome = status, at = stamp, attempt = before and before.number, before = before})
end
if not status and has_moved() then return cjson.encode({outcome = 'moved', at = stamp}) end

-- Since when it waits, and for how many seconds in all since the attempt before: not for a retry to be due, nor as a dead
-- letter.
local function waited(before)
  if not before then
    local since = math.min(tonumber(submitted or now), now - (tonumber(ARG.published) or 0))
    return string.format('%.6f', since), now - since
  end
  local since, total = before.finished_at or stamp, 0
  local waits = before.outcome == 'RETRY' and is_among(LOST, before.ended_by) == true
  for _, told in ipairs(redis.call('LRANGE', KEY.changes, 0, -1)) do
    local change = cjson.decode(told)
    if tonumber(change.at) > tonumber(before.finished_at or stamp) and waits ~= (change.status == 'PENDING') then
      if waits then total = total + tonumber(change.at) - tonumber(since) end
      waits, since = not waits, change.at
    end
  end
  if not waits then return stamp, total end
  return since, total + now - tonumber(since)
end

if cancel_requested then
  local before = latest()
  local since = before and not before.finished_at and stamp or waited(before)
  return cjson.encode({outcome = 'cancel', at = stamp, requested_by = cancel_requested, waits_since = since})
end

-- The same process asks again when it did not receive the first answer.
if status == 'STARTED' and holder == ARG.worker and process == ARG.process then
  local own = latest() or {}
  return cjson.encode({outcome = 'run', at = stamp, attempt = tonumber(number), started_at = started,
    queue_wait = own.queue_wait, take = own.take})
end

-- A second copy of the message. The worker's list is as old as its heartbeat, so a later start counts without the list.
if status == 'STARTED' and holder then
  local beat = tonumber(redis.call('ZSCORE', KEY.workers, holder) or nil)
  if beat and beat > now - tonumber(ARG.alive_seconds) then
    local held = ' ' .. (redis.call('HGET', KEY.worker_tasks, holder) or '') .. ' '
    if string.find(held, ' ' .. ARG.task_id .. ' ', 1, true) or beat <= tonumber(started) + 1 then
      return cjson.encode({outcome = 'running', at = stamp})
    end
  end
end

local is_dead = tonumber(deliveries or 0) >= tonumber(ARG.max_deliveries)
must(record, status, is_dead and 'FAILURE' or 'STARTED', is_dead and 'deliveries_used_up' or 'claimed')

if not status then
  redis.call('HSET', record, 'submitted_at', stamp, ARG.fields)
  task_type = redis.call('HGET', record, 'task_type')
  history_lacks(ARG.task_id, record, stamp)
  redis.call('ZADD', KEY.index, stamp, ARG.task_id)
  redis.call('EXPIRE', KEY.index, ttl)
end
if status == 'RETRY' then redis.call('ZREM', KEY.delayed, ARG.task_id) end

local before, lost, closed = latest(), false, false
if before and not before.finished_at then
  before, closed = close_attempt(attempts, 'RETRY', 'lost_process', nil, last_sign(record, ARG.task_id)), true
  count_run(before, task_type, queue)
end
local since, queue_wait = waited(before)
if before and is_among(LOST, before.ended_by) and not before.told then
  lost, before.told = true, true
  redis.call('LSET', attempts, -1, cjson.encode(before))
end
before = numbered(before)

if is_dead then
  move(record, status, 'FAILURE', 'deliveries_used_up')
  -- One that was sent past the front door has no message to be replayed from.
  if redis.call('EXISTS', KEY.message) == 1 then redis.call('ZADD', KEY.dead_letters, stamp, ARG.task_id) end
  note(record, KEY.changes, {status = 'FAILURE', reason = 'deliveries_used_up'})
  tell_celery(KEY.result, ttl, ARG.celery_dead)
  end_task(ttl)
  count_task(task_type, 'FAILURE')
  return cjson.encode({outcome = 'dead', at = stamp, attempt = before and before.number or 0, before = before,
    lost = lost, closed = closed, waits_since = since})
end

queue_wait = math.max(0, queue_wait)
local take = tonumber(ARG.take) and string.format('%.6f', math.min(math.max(0, tonumber(ARG.take)), queue_wait)) or nil
queue_wait = string.format('%.6f', queue_wait)
number = redis.call('RPUSH', attempts, cjson.encode({worker = ARG.worker, process = tonumber(ARG.process),
  version = ARG.version, started_at = stamp, queue_wait = queue_wait, take = take}))
redis.call('HSET', record, 'status', 'STARTED', 'started_at', stamp, 'deliveries', tonumber(deliveries or 0) + 1,
  'version', tonumber(version or 0) + 1, 'worker', ARG.worker, 'process', ARG.process, 'attempt', number)
if promised or before then redis.call('HDEL', record, 'finished_at', 'estimated_start', 'retry_at') end
keep(ttl)
tell_celery(KEY.result, ttl, ARG.celery_started)

-- How far the estimated start was off. Only the first start has an estimate: it is removed above.
if promised then
  local off = now - tonumber(promised)
  local size = math.abs(off)
  local class = size < 0.1 and 'under_0.1_s' or size < 1 and 'under_1_s' or size < 10 and 'under_10_s' or 'over_10_s'
  redis.call('HINCRBY', KEY.promises, class, 1)
  redis.call('HINCRBYFLOAT', KEY.promises, off > 0 and 'late_seconds' or 'early_seconds', string.format('%.6f', size))
end

-- How fast queues are emptied: the time between two starts counts only if tasks were waiting after the first one.
-- An exponentially weighted mean over about twenty starts, for the queue and for all of them.
local own, total = nil, 0
for _, queue in ipairs({KEY.high, KEY.medium, KEY.low}) do
  local waiting = redis.call('LLEN', queue)
  total = total + waiting
  if queue == ARG.queue then own = waiting end
end
local seen = redis.call('HMGET', drain, ARG.queue .. ':at', ARG.queue, ARG.queue .. ':busy', 'all:at', 'all', 'all:busy')
local measured = {}
local function measure(name, at, mean, busy, backlog)
  if busy == '1' then
    local gap = math.min(now - tonumber(at), 120) -- a longer one is an outage, not a pace
    mean = mean and (0.95 * tonumber(mean) + 0.05 * gap) or gap
    measured[#measured + 1], measured[#measured + 2] = name, string.format('%.6f', mean)
  end
  for _, each in ipairs({name .. ':at', stamp, name .. ':busy', backlog > 0 and '1' or '0'}) do
    measured[#measured + 1] = each
  end
end
if own then measure(ARG.queue, seen[1], seen[2], seen[3], own) end
measure('all', seen[4], seen[5], seen[6], total)
redis.call('HSET', drain, unpack(measured))
return cjson.encode({outcome = 'run', at = stamp, attempt = number, before = before, lost = lost, closed = closed,
  started_at = stamp, queue_wait = queue_wait, take = take, waits_since = since})
