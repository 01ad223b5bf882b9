-- Closes the circuit breaker; the counts of its changes stay.
--
-- flags: allow-oom
-- keys: breaker

return redis.call('HDEL', KEY.breaker, 'state', 'until', 'wait')
