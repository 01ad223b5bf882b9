-- The IDs of the dead letters, the latest first; those whose record has expired are forgotten.
--
-- keys: dead_letters
-- args: ttl most
-- uses: clock

redis.call('ZREMRANGEBYSCORE', KEY.dead_letters, '-inf', now - tonumber(ARG.ttl))
return redis.call('ZREVRANGE', KEY.dead_letters, 0, tonumber(ARG.most) - 1)
