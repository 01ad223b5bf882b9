-- Closes the circuit breaker; the counts of its changes stay.
--
-- flags: allow-oom
-- keys: breaker
--
-- Answers 1 when it was open, 0 when it was closed already.

local state = redis.call('HGET', KEY.breaker, 'state')
redis.call('HDEL', KEY.breaker, 'state', 'until', 'wait')
return (state and state ~= 'closed') and 1 or 0
