-- As Celery's own Redis backend stores and announces a state: AsyncResult.get() works for whoever sent the task.
local function tell_celery(result, ttl, body)
  redis.call('SETEX', result, ttl, body)
  redis.call('PUBLISH', result, body)
end
