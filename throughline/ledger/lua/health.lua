-- Whether a task could be taken now, and which workers live. A Redis that takes no write (a read-only replica, a disk
-- that is full) refuses the script because it may write, before it runs.
--
-- flags: allow-oom
-- keys: health memory workers
-- args: memory_percent alive_seconds
-- uses: clock stamp memory
--
-- Answers {1 when its memory is full, workers…}

redis.call('DEL', KEY.health) -- changes nothing: the key never exists
local alive = redis.call('ZRANGEBYSCORE', KEY.workers, now - tonumber(ARG.alive_seconds), '+inf')
return {memory().is_full and 1 or 0, unpack(alive)}
