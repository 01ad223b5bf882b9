-- One step of a walk over the tasks that the history does not have, as they are now: which of them a list may show.
--
-- flags: no-writes
-- keys: walked shared unarchived listed
-- args: newest_first from until count statuses task_type queue worker caller correlation_id error slower_than_ms record_prefix attempts_suffix result_prefix
-- uses: clock stamp states moves
--
-- walked is the index of what the list is bound to: whoever has an API key walks their own tasks alone, however many others
-- have. shared is the one that an older version writes and goes by too, and has everybody's: it is walked while such a
-- version has added or taken away a task, until the monitor has put the indices right.
--
-- Answers {now, how many were looked at, score and ID of the last one, IDs that may be shown…}. It rules out what it
-- can without reading a result; a task that Celery alone has ended is left to who reads that (TaskQuery.matches).

-- Two numbers may agree by chance. That no task is missing is asked as long as the answer costs little: not while there is
-- a backlog, as without a history.
local function is_complete()
  local lacked = redis.call('ZCARD', KEY.unarchived)
  if redis.call('SCARD', KEY.listed) ~= lacked then return false end
  return lacked > 1000 or redis.call('ZINTERCARD', 2, KEY.unarchived, KEY.listed) == lacked
end

local walked = KEY.walked
if walked ~= KEY.shared and not is_complete() then walked = KEY.shared end
local range = {'ZRANGE', walked, ARG.from, ARG.until, 'BYSCORE'}
if ARG.newest_first == '1' then table.insert(range, 'REV') end
for _, each in ipairs({'LIMIT', 0, ARG.count, 'WITHSCORES'}) do table.insert(range, each) end
local found = redis.call(unpack(range))
local slower_than = tonumber(ARG.slower_than_ms)

local function is(wanted, value) return wanted == '' or wanted == value end

local function made_by(worker, record)
  local last = redis.call('LINDEX', record .. ARG.attempts_suffix, -1)
  return last and cjson.decode(last).worker == worker
end

local function may_be_shown(task_id)
  if walked ~= KEY.unarchived and not redis.call('ZSCORE', KEY.unarchived, task_id) then return false end
  local record = ARG.record_prefix .. task_id
  local told = redis.call('HMGET', record, 'status', 'task_type', 'queue', 'caller', 'correlation_id', 'submitted_at', 'finished_at')
  local status, task_type, queue, caller, correlation_id, submitted_at, finished_at = unpack(told)
  if not status then return false end
  if not (is(ARG.task_type, task_type) and is(ARG.queue, queue) and is(ARG.correlation_id, correlation_id)) then return false end
  if ARG.caller ~= '' and ARG.caller ~= '=' .. (caller or '') then return false end
  if slower_than then
    local ended = is_final(status) and tonumber(finished_at) or now
    if (ended - tonumber(submitted_at)) * 1000 < slower_than - 1 then return false end
  end
  if ARG.worker ~= '' and not made_by(ARG.worker, record) then return false end
  if ARG.statuses == '' and ARG.error == '' then return true end
  if is(ARG.error, '') and is_among(ARG.statuses, status) then return true end
  if ARG.error ~= '' and status == 'FAILURE' then return true end
  return not is_final(status) and redis.call('EXISTS', ARG.result_prefix .. task_id) == 1
end

local answer = {string.format('%.6f', now), #found / 2, found[#found] or '', found[#found - 1] or ''}
for i = 1, #found, 2 do
  if may_be_shown(found[i]) then table.insert(answer, found[i]) end
end
return answer
