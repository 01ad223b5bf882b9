-- A worker gives up a task that it holds, before its message goes back to the queue: the attempt is closed with its
-- cause, and whatever the process that ran it may still say is not heard.
--
-- KEYS  1 task record   2 its attempts
-- ARGV  1 worker   2 cause ('' for a lost process)   3 '1' when the delivery does not count against the task

local record, attempts = KEYS[1], KEYS[2]
local status, holder, process = unpack(redis.call('HMGET', record, 'status', 'worker', 'process'))
if status ~= 'STARTED' or holder ~= ARGV[1] then return 0 end

local clock = redis.call('TIME')
local attempt = cjson.decode(redis.call('LINDEX', attempts, -1))
attempt.finished_at = string.format('%d.%06d', clock[1], clock[2])
attempt.outcome = 'RETRY'
attempt.cause = ARGV[2] ~= '' and ARGV[2] or string.format('lost with process %s of %s', process, holder)
redis.call('LSET', attempts, -1, cjson.encode(attempt))
redis.call('HSET', record, 'status', 'PENDING')
redis.call('HDEL', record, 'worker', 'process', 'attempt', 'started_at')
if ARGV[3] == '1' then redis.call('HINCRBY', record, 'deliveries', -1) end
return 1
