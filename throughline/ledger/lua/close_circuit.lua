-- Forgets that the circuit breaker was open; how often it was stays counted.
--
-- keys: breaker

return redis.call('HDEL', KEY.breaker, 'state', 'until', 'wait')
