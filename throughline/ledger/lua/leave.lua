-- A worker has stopped: its heartbeat is removed.
--
-- flags: allow-oom
-- keys: workers worker_slots worker_tasks
-- args: worker

redis.call('ZREM', KEY.workers, ARG.worker)
redis.call('HDEL', KEY.worker_slots, ARG.worker)
redis.call('HDEL', KEY.worker_tasks, ARG.worker)
