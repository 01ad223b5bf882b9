-- A worker's heartbeat: it lives and holds these tasks. By Redis's clock, since clocks of different hosts may differ.
--
-- flags: allow-oom
-- keys: workers worker_slots worker_tasks
-- args: worker slots held
-- uses: clock stamp

redis.call('ZADD', KEY.workers, stamp, ARG.worker)
local _, held = string.gsub(ARG.held, '%S+', '')
redis.call('HSET', KEY.worker_slots, ARG.worker, ARG.slots .. ' ' .. held)
redis.call('HSET', KEY.worker_tasks, ARG.worker, ARG.held)
