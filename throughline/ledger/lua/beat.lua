-- A worker's heartbeat: it lives and holds these tasks. By Redis's clock, since clocks of different hosts may differ.
--
-- keys: workers worker_slots worker_tasks
-- args: worker slots held
-- uses: clock

redis.call('ZADD', KEY.workers, stamp, ARG.worker)
redis.call('HSET', KEY.worker_slots, ARG.worker, ARG.slots)
redis.call('HSET', KEY.worker_tasks, ARG.worker, ARG.held)
