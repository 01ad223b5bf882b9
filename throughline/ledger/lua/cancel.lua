-- Cancels a task: one that waits never starts, one that runs is asked to stop at its next checkpoint.
--
-- KEYS  1 task record   2 its message by itself   3 its queue   4 Celery's result key   5 channel of finished tasks
--       6 open tasks   7 delayed tasks
-- ARGV  1 task id   2 ttl (s)   3 Celery's result as JSON
--
-- Answers 'unknown' | 'finished' (nothing is changed) | 'cancelled' | 'cancelling'

local record = KEYS[1]
local status = redis.call('HGET', record, 'status')
if not status then return 'unknown' end
if status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' then return 'finished' end

redis.call('HSET', record, 'cancel_requested', '1')
local message = redis.call('GET', KEYS[2])
local delayed = redis.call('ZREM', KEYS[7], ARGV[1]) == 1 -- it waits for its next attempt
if not delayed and (not message or redis.call('LREM', KEYS[3], 1, message) == 0) then
  return 'cancelling' -- a worker holds it, and looks at the request when it starts and between its chunks
end

local clock = redis.call('TIME')
redis.call('HSET', record, 'status', 'REVOKED', 'finished_at', string.format('%d.%06d', clock[1], clock[2]))
redis.call('HDEL', record, 'retry_at')
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('DEL', KEYS[2])
redis.call('SETEX', KEYS[4], ARGV[2], ARGV[3])
redis.call('PUBLISH', KEYS[4], ARGV[3])
redis.call('PUBLISH', KEYS[5], ARGV[1])
return 'cancelled'
