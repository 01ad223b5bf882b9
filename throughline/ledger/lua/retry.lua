-- A task met a temporary error: it waits for its next attempt in the record, where all can see it, or is a dead letter
-- when its retries are used up.
--
-- KEYS  1 task record   2 its attempts   3 Celery's result key   4 its message by itself   5 delayed tasks
--       6 open tasks   7 dead letters   8 channel of finished tasks
-- ARGV  1 task id   2 attempt   3 cause   4 delay (s)   5 retries allowed   6 ttl (s)
--       7 Celery's result for a retry   8 Celery's result for the failure
--
-- Answers 'retry' | 'dead' | 'late' (another attempt counts by now) | 'unstored' (it did not come through the front
-- door: there is no message to put back)

local record, attempts = KEYS[1], KEYS[2]
local clock = redis.call('TIME')
local now = string.format('%d.%06d', clock[1], clock[2])

local status, latest, retries = unpack(redis.call('HMGET', record, 'status', 'attempt', 'retries'))
if status ~= 'STARTED' or latest ~= ARGV[2] then return 'late' end
if redis.call('EXISTS', KEYS[4]) == 0 then return 'unstored' end

local function close(outcome, cause)
  local attempt = cjson.decode(redis.call('LINDEX', attempts, -1))
  attempt.finished_at, attempt.outcome, attempt.cause = now, outcome, cause
  redis.call('LSET', attempts, -1, cjson.encode(attempt))
  redis.call('HDEL', record, 'worker', 'process', 'attempt', 'deliveries')
end
local function tell(result)
  redis.call('SETEX', KEYS[3], ARGV[6], result)
  redis.call('PUBLISH', KEYS[3], result)
end

if tonumber(retries or 0) >= tonumber(ARGV[5]) then
  close('FAILURE', 'retries used up: ' .. ARGV[3])
  redis.call('HSET', record, 'status', 'FAILURE', 'finished_at', now)
  redis.call('ZREM', KEYS[6], ARGV[1])
  redis.call('ZADD', KEYS[7], now, ARGV[1])
  tell(ARGV[8])
  redis.call('PUBLISH', KEYS[8], ARGV[1])
  return 'dead'
end
close('RETRY', 'retried: ' .. ARGV[3])
local due = string.format('%.6f', tonumber(now) + tonumber(ARGV[4]))
redis.call('HINCRBY', record, 'retries', 1)
redis.call('HSET', record, 'status', 'RETRY', 'retry_at', due)
redis.call('ZADD', KEYS[5], due, ARGV[1])
tell(ARGV[7])
return 'retry'
