-- Puts a dead letter back into its queue, as if it had never been delivered; its attempts stay on record.
--
-- KEYS  1 task record   2 its message by itself   3 its queue   4 Celery's result key   5 open tasks   6 dead letters
-- ARGV  1 task id   2 ttl (s)
--
-- Answers 1, or 0 for a task that is no dead letter (any more): of two replays at once, one counts.

local message = redis.call('GET', KEYS[2])
if not message or redis.call('ZREM', KEYS[6], ARGV[1]) == 0 then return 0 end

redis.call('HSET', KEYS[1], 'status', 'PENDING')
redis.call('HDEL', KEYS[1], 'deliveries', 'retries', 'started_at', 'finished_at', 'progress', 'cancel_requested')
redis.call('DEL', KEYS[4])
for _, key in ipairs({KEYS[1], KEYS[2]}) do redis.call('EXPIRE', key, ARGV[2]) end
redis.call('ZADD', KEYS[5], redis.call('TIME')[1], ARGV[1])
redis.call('LPUSH', KEYS[3], message)
return 1
