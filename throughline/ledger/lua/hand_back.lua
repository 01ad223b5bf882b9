-- A worker gives up a task that it holds, before its message goes back to the queue: the attempt is closed with its
-- cause, and whatever the process that ran it may still say is not heard.
--
-- keys: record attempts
-- args: worker cause uncounted
-- uses: clock
--
-- cause is '' for a lost process; uncounted is '1' when the delivery does not count against the task.

local record, attempts = KEY.record, KEY.attempts
local status, holder, process = unpack(redis.call('HMGET', record, 'status', 'worker', 'process'))
if status ~= 'STARTED' or holder ~= ARG.worker then return 0 end

local attempt = cjson.decode(redis.call('LINDEX', attempts, -1))
attempt.finished_at = stamp
attempt.outcome = 'RETRY'
attempt.cause = ARG.cause ~= '' and ARG.cause or string.format('lost with process %s of %s', process, holder)
redis.call('LSET', attempts, -1, cjson.encode(attempt))
redis.call('HSET', record, 'status', 'PENDING')
redis.call('HDEL', record, 'worker', 'process', 'attempt', 'started_at')
if ARG.uncounted == '1' then redis.call('HINCRBY', record, 'deliveries', -1) end
return 1
