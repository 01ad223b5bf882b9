-- A worker has stopped: nobody waits for its heartbeat.
--
-- keys: workers worker_slots worker_tasks
-- args: worker

redis.call('ZREM', KEY.workers, ARG.worker)
redis.call('HDEL', KEY.worker_slots, ARG.worker)
redis.call('HDEL', KEY.worker_tasks, ARG.worker)
