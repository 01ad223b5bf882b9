-- Puts back tasks that are nowhere. Every open task waits in a queue, waits for its next attempt, or is held by a live
-- worker; any other goes back to its queue. Each call is one atomic step: two monitors may sweep at once.
--
-- flags: allow-oom
-- keys: open delayed missing sweep workers worker_slots worker_tasks unacked unacked_index dead_letters high medium low
-- keys: queued_high queued_medium queued_low counts worker_starts worker_facts worker_runs deaths
-- args: alive_seconds missing_seconds grace_seconds stalled_seconds forget_seconds first
-- args: record_prefix attempts_suffix message_suffix changes_suffix
-- uses: clock stamp states moves signs counts messages effort deaths
--
-- alive_seconds: for how long a heartbeat counts   missing_seconds: for how long a task must be missing
-- grace_seconds: how long workers have for a new heartbeat after Redis was away
-- stalled_seconds: for how long a worker may take no task while tasks wait
-- forget_seconds: after how long a worker without a heartbeat is removed
-- first: the queue to begin with
--
-- Answers one JSON object for each thing that it found, by its kind:
--   put_back, due   a task that is in its queue again: task_id queue reason worker task_type correlation_id trace_id
--                   traceparent attempt at and, when an attempt ended by it, ended
--   refused         a task that it could not put back: task_id correlation_id before reason
--   stalled         a worker that lives and takes nothing: worker
--   died            a worker that sends no heartbeat any more: worker last_seen_at tasks (how many it ran)
--   more            one call has held Redis for long enough, and there is more to do: queue, to begin with next
-- A running task of a live worker is never put back, however long it runs. Record, attempts, message and changes of a
-- task are found from its ID, since only the script knows which it needs.

local found = {}
local function tell(line) table.insert(found, cjson.encode(line)) end
local queues = {KEY.high, KEY.medium, KEY.low}
local queued = {[KEY.high] = KEY.queued_high, [KEY.medium] = KEY.queued_medium, [KEY.low] = KEY.queued_low}

-- 1. Which workers live. While Redis, or every monitor, was away no heartbeat was seen: each worker has time for a new one.
-- So it has when Redis's clock was put back.
local last, grace_until = unpack(redis.call('HMGET', KEY.sweep, 'last', 'grace_until'))
if not last or math.abs(now - tonumber(last)) > tonumber(ARG.alive_seconds) then
  grace_until = string.format('%.6f', now + tonumber(ARG.grace_seconds))
  redis.call('HSET', KEY.sweep, 'grace_until', grace_until)
  redis.call('DEL', KEY.missing)
end
redis.call('HSET', KEY.sweep, 'last', stamp)
local in_grace = now < tonumber(grace_until or 0)

local alive, held, held_by_dead, holding = {}, {}, {}, {}
local beats = redis.call('ZRANGE', KEY.workers, 0, -1, 'WITHSCORES')
for i = 1, #beats, 2 do
  local worker, beat = beats[i], tonumber(beats[i + 1])
  local lives = beat > now - tonumber(ARG.alive_seconds)
  if lives then alive[worker] = beat end
  holding[worker] = 0
  for id in string.gmatch(redis.call('HGET', KEY.worker_tasks, worker) or '', '%S+') do
    holding[worker] = holding[worker] + 1
    if lives then held[id] = worker else held_by_dead[id] = worker end
  end
end

-- Each death is told once, and before its tasks are put back.
if not in_grace then
  for i = 1, #beats, 2 do
    local worker, beat = beats[i], beats[i + 1]
    local start = not alive[worker] and start_of(worker)
    if start and start.dead ~= beat then
      start.dead = beat
      redis.call('HSET', KEY.worker_starts, worker, cjson.encode(start))
      local ran = running(worker, redis.call('HGET', KEY.worker_tasks, worker))
      note_death({worker = worker, cause = 'no_heartbeat', last_seen_at = beat}, ran)
      tell({kind = 'died', worker = worker, last_seen_at = tonumber(beat), tasks = #ran})
    end
  end
end

-- 2. What goes back to its queue, and why.
local function no_longer_holds(worker, id) -- the last heartbeat of one that is dead says so still
  local said, left = redis.call('HGET', KEY.worker_tasks, worker), {}
  if not said then return end -- it has stopped in order
  for each in string.gmatch(said, '%S+') do
    if each ~= id then table.insert(left, each) end
  end
  redis.call('HSET', KEY.worker_tasks, worker, table.concat(left, ' '))
end

local function in_order(id, queue, since)
  redis.call('ZADD', KEY.open, since, id)
  redis.call('ZADD', queued[queue], since, id)
end

local function put(kind, id, before, message, reason, worker)
  spend(effort_of(#message))
  local record = ARG.record_prefix .. id
  local attempts, changes = record .. ARG.attempts_suffix, record .. ARG.changes_suffix
  local queue, task_type, correlation_id, trace_id =
    unpack(redis.call('HMGET', record, 'queue', 'task_type', 'correlation_id', 'trace_id'))
  if not may(before, 'PENDING', reason) then
    tell({kind = 'refused', task_id = id, correlation_id = correlation_id or nil, before = before, reason = reason})
    return
  end
  local seen = before == 'STARTED' and last_sign(record, id) or nil
  move(record, before, 'PENDING', reason)
  redis.call('HDEL', record, 'started_at', 'retry_at')
  -- An attempt that ends here says the same.
  local ended = close_attempt(attempts, 'RETRY', reason, nil, seen)
  count_run(ended, task_type, queue)
  if not ended then
    note(record, changes, {status = 'PENDING', reason = reason, worker = worker})
  end
  local told = parsed(message)
  local tag = type(told.properties) == 'table' and told.properties.delivery_tag
  if tag then redis.call('HDEL', KEY.unacked, tag); redis.call('ZREM', KEY.unacked_index, tag) end
  if reason == 'lost_worker' then no_longer_holds(worker, id) end
  -- A lost task has waited before: it goes to the end of the queue from which workers take, and counts as its oldest.
  redis.call('RPUSH', queue, message)
  local oldest = redis.call('ZRANGE', queued[queue], 0, 0, 'WITHSCORES')[2] or stamp
  in_order(id, queue, string.format('%.6f', tonumber(oldest) - 0.001))
  redis.call('HDEL', KEY.missing, id)
  tell({
    kind = kind, task_id = id, queue = queue, reason = reason, worker = worker, task_type = task_type or nil,
    correlation_id = correlation_id or nil, trace_id = trace_id or nil, attempt = redis.call('LLEN', attempts),
    at = stamp, ended = ended,
    traceparent = type(told.headers) == 'table' and told.headers.traceparent or nil,
  })
end

-- 3. Those whose wait for the next attempt is over.
local more = false
local due = redis.call('ZRANGEBYSCORE', KEY.delayed, '-inf', now, 'LIMIT', 0, 100)
for _, id in ipairs(due) do
  more = is_spent()
  if more then break end
  spend(20)
  redis.call('ZREM', KEY.delayed, id)
  local record = ARG.record_prefix .. id
  local message = redis.call('GET', record .. ARG.message_suffix)
  if message and redis.call('HGET', record, 'status') == 'RETRY' then put('due', id, 'RETRY', message, 'due') end
end
more = more or #due == 100

-- 4. Open tasks come into the index of their queue, the oldest first, and once a minute from the beginning again: whatever
-- an index lacks, since Redis's clock was put back or a monitor of another version was here, is in it then.
local too_young = string.format('%.6f', now - 2) -- these may still be on their way
local again, seen_to = unpack(redis.call('HMGET', KEY.sweep, 'again', 'seen_to'))
again = tonumber(again or nil)
if not again or now >= again or now < again - 60 then
  again, seen_to = now + 60, '-inf'
  redis.call('HSET', KEY.sweep, 'again', string.format('%.6f', again))
end
local newly = redis.call('ZRANGEBYSCORE', KEY.open, seen_to, too_young, 'WITHSCORES', 'LIMIT', 0, 500)
for i = 1, #newly, 2 do
  local id, since = newly[i], newly[i + 1]
  spend(3)
  local queue = redis.call('HGET', ARG.record_prefix .. id, 'queue')
  if queued[queue] and not redis.call('ZSCORE', KEY.delayed, id) then
    redis.call('ZADD', queued[queue], since, id)
  elseif not queue then
    redis.call('ZREM', KEY.open, id) -- expired
  end
  seen_to = since
end
redis.call('HSET', KEY.sweep, 'seen_to', seen_to)
more = more or #newly == 1000

-- 5. Tasks that seem to be nowhere. Queues are first in, first out: when the oldest of a queue's tasks wait in it, so do
-- those behind them, and whichever of them is lost will be among the oldest. 'gone' has left the index or its place in it.
local function look_at(id, queue, is_second_look)
  local record = ARG.record_prefix .. id
  spend(3)
  if not redis.call('ZSCORE', KEY.open, id) or redis.call('ZSCORE', KEY.delayed, id) then
    redis.call('ZREM', queued[queue], id)
    return 'gone'
  end
  spend(10)
  local status, worker = unpack(redis.call('HMGET', record, 'status', 'worker'))
  local bytes = redis.call('STRLEN', record .. ARG.message_suffix)
  if not status or bytes == 0 or is_final(status) then -- done, or expired
    redis.call('ZREM', KEY.open, id)
    redis.call('ZREM', queued[queue], id)
    return 'gone'
  end
  local dead = status == 'PENDING' and held_by_dead[id] or worker and not alive[worker] and worker
  local missed = tonumber(redis.call('HGET', KEY.missing, id) or nil)
  if not dead and missed and not is_second_look then return 'missing' end

  local is_first_look, message, place = not dead and not missed, nil, nil
  if status == 'PENDING' or not is_first_look then
    spend(effort_of(bytes))
    message = redis.call('GET', record .. ARG.message_suffix)
    place = place_of(queue, id, message, queued[queue])
    if not place then spend(60) end -- it has looked at a thousand others
  end
  if not place and is_first_look then
    redis.call('HSET', KEY.missing, id, stamp)
    return 'missing'
  end
  if not place then
    place = given_back(queue, id)
    spend(400 + 2 * effort_of(bytes))
    if place and place * 2 < redis.call('LLEN', queue) then -- it waits among the youngest
      in_order(id, queue, stamp)
      redis.call('HDEL', KEY.missing, id)
      return 'gone'
    end
  end
  if place then
    redis.call('HDEL', KEY.missing, id)
    if held_by_dead[id] then no_longer_holds(held_by_dead[id], id) end
    return 'waits'
  end
  local reason = dead and 'lost_worker' or worker and 'lost_within' or 'lost_on_the_way'
  put('put_back', id, status, message, reason, dead or worker or nil)
  return 'put back'
end

-- Answers whether it came to the end of what there is to look at.
local function look_through(queue)
  local place, waiting = 0, 0
  while true do
    local page = redis.call('ZRANGEBYSCORE', queued[queue], '-inf', too_young, 'LIMIT', place, 100)
    if #page == 0 then return true end
    -- Those that were missed already are looked at above, when it is time. Thousands may be lost at once: were each of
    -- them looked at here, no call would get to the end of them.
    local missed = redis.call('HMGET', KEY.missing, unpack(page))
    for i, id in ipairs(page) do
      local is = held[id] and 'held' or missed[i] and 'missing' or look_at(id, queue)
      spend(1)
      if is ~= 'gone' then place = place + 1 end
      if is == 'waits' then
        waiting = waiting + 1
        if waiting == 3 or is_spent() then return true end
      end
      if is_spent() then return false end
    end
  end
end

-- What a dead worker had, and what an earlier sweep has missed, is looked at whatever waits before it.
local missed_before, seen = {}, redis.call('HRANDFIELD', KEY.missing, 200, 'WITHVALUES')
for i = 1, #seen, 2 do
  local id, since = seen[i], tonumber(seen[i + 1])
  if held[id] or not redis.call('ZSCORE', KEY.open, id) or redis.call('ZSCORE', KEY.delayed, id) then
    redis.call('HDEL', KEY.missing, id)
  elseif now - since >= tonumber(ARG.missing_seconds) then
    missed_before[id] = since
  end
end
local function look_again(ids)
  for id in pairs(ids) do
    local queue = not held[id] and redis.call('HGET', ARG.record_prefix .. id, 'queue')
    if is_spent() then more = true elseif queued[queue] then look_at(id, queue, true) end
  end
end

local next_queue = ARG.first
if not in_grace then
  look_again(held_by_dead)
  look_again(missed_before)
  local first = ARG.first == KEY.low and 3 or ARG.first == KEY.medium and 2 or 1
  for i = first, 3 do
    if is_spent() or not look_through(queues[i]) then
      more, next_queue = true, queues[i]
      break
    end
  end
end
if more then tell({kind = 'more', queue = next_queue}) end

-- 6. Removes entries that nothing needs any more.
if not in_grace then
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEY.workers, '-inf', now - tonumber(ARG.forget_seconds))) do
    forget_worker(worker)
    holding[worker] = nil
  end
end
for _, field in ipairs(redis.call('HKEYS', KEY.worker_runs)) do -- a run may have ended after its worker was forgotten
  local worker = string.match(field, '^(.*) %S+ %u+$') or string.match(field, '^(.*) lost$')
  if not holding[worker] then redis.call('HDEL', KEY.worker_runs, field) end
end
for _, id in ipairs(redis.call('ZRANGE', KEY.dead_letters, 0, 99)) do -- the oldest first, as their records expire
  if redis.call('EXISTS', ARG.record_prefix .. id) == 1 then break end
  redis.call('ZREM', KEY.dead_letters, id)
end

-- 7. Reports once a worker that lives but takes no task while tasks wait.
local work = 0
for _, queue in ipairs(queues) do work = work + redis.call('LLEN', queue) end
for _, field in ipairs(redis.call('HKEYS', KEY.sweep)) do
  local worker = string.match(field, '^idle:(.*)') or string.match(field, '^stalled:(.*)')
  if worker and not holding[worker] then redis.call('HDEL', KEY.sweep, field) end
end
for worker in pairs(holding) do
  local field = 'idle:' .. worker
  if work == 0 or not alive[worker] or holding[worker] > 0 then
    redis.call('HDEL', KEY.sweep, field, 'stalled:' .. worker)
  else
    local since = redis.call('HGET', KEY.sweep, field)
    if not since then
      redis.call('HSET', KEY.sweep, field, stamp)
    elseif since ~= 'told' and now - tonumber(since) >= tonumber(ARG.stalled_seconds) then
      redis.call('HSET', KEY.sweep, field, 'told', 'stalled:' .. worker, since)
      tell({kind = 'stalled', worker = worker})
    end
  end
end
return found
