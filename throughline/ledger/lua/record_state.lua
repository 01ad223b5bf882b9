-- Stores a task's new state in its record and in Celery's own result key: one step, one clock.
--
-- KEYS  1 task record   2 its attempts   3 Celery's result key   4 index of the correlation ID
--       5 its message by itself   6 channel of finished tasks   7 open tasks
-- ARGV  1 state   2 Celery's result as JSON   3 ttl (s)   4 task id   5 attempt ('' when another process ran it)
--       6 worker   7 what the attempt ended for ('' when it simply ended)
--       8… the record's fields and values, for a task that did not come through the front door
--
-- Answers 1, or 0 when the task had already come to its end or this attempt is no longer the one that counts: what a
-- late attempt has to say changes nothing.

local record, attempts, result = KEYS[1], KEYS[2], KEYS[3]
local state, ttl = ARGV[1], ARGV[3]
local clock = redis.call('TIME')
local now = string.format('%d.%06d', clock[1], clock[2])

local before, latest, holder = unpack(redis.call('HMGET', record, 'status', 'attempt', 'worker'))
if before == 'SUCCESS' or before == 'FAILURE' or before == 'REVOKED' then return 0 end
if before and state ~= 'REVOKED' then
  -- The main process of a worker speaks for a process of its own that was killed, and for no other worker's.
  local counts = ARGV[5] ~= '' and latest == ARGV[5] or ARGV[5] == '' and holder == ARGV[6]
  if not counts then return 0 end
end
if not before then
  redis.call('HSET', record, 'submitted_at', now, unpack(ARGV, 8))
  redis.call('ZADD', KEYS[4], now, ARGV[4])
  redis.call('EXPIRE', KEYS[4], ttl)
end

redis.call('HSET', record, 'status', state)
redis.call('HDEL', record, 'worker', 'process', 'attempt')
local last = redis.call('LINDEX', attempts, -1)
if last then
  local attempt = cjson.decode(last)
  if not attempt.finished_at then
    attempt.finished_at, attempt.outcome = now, state
    if ARGV[7] ~= '' then attempt.cause = ARGV[7] end
    redis.call('LSET', attempts, -1, cjson.encode(attempt))
    redis.call('EXPIRE', attempts, ttl)
  end
end
if state ~= 'RETRY' then
  redis.call('HSET', record, 'finished_at', now)
  redis.call('DEL', KEYS[5])
  redis.call('ZREM', KEYS[7], ARGV[4])
  redis.call('PUBLISH', KEYS[6], ARGV[4])
end
redis.call('EXPIRE', record, ttl)

-- As Celery's own Redis backend stores and announces it: AsyncResult.get() works for whoever sent the task.
redis.call('SETEX', result, ttl, ARGV[2])
redis.call('PUBLISH', result, ARGV[2])
return 1
