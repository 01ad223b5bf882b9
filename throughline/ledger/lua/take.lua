-- A worker acknowledges the messages of tasks that have ended and takes the next ones for the processes that are free now:
-- each message is in one place at any moment, its queue or among those that are delivered and not acknowledged.
--
-- flags: allow-oom
-- keys: unacked unacked_index high medium low
-- args: most queues taken_at acknowledged...
-- uses: messages
--
-- most: how many to take at most   queues: the names of those to look into, each between two blanks
-- taken_at: seconds since 1970 by the worker's clock, as kombu notes it   acknowledged: delivery tags
--
-- Answers for each message that it took: its queue, itself. What is noted is what kombu notes itself, so that whoever runs
-- kombu can give it back. A message that kombu could not acknowledge is left in its queue.

local tags = {ARG.acknowledged}
if #tags > 0 then
  redis.call('ZREM', KEY.unacked_index, unpack(tags))
  redis.call('HDEL', KEY.unacked, unpack(tags))
end

local taken, most = {}, tonumber(ARG.most)
for _, queue in ipairs({KEY.high, KEY.medium, KEY.low}) do
  local is_asked = string.find(ARG.queues, ' ' .. queue .. ' ', 1, true)
  while is_asked and #taken < 2 * most do
    local message = redis.call('RPOP', queue)
    if not message then break end
    local properties = parsed(message).properties
    local tag = type(properties) == 'table' and properties.delivery_tag
    local delivery = type(properties) == 'table' and properties.delivery_info
    if type(tag) ~= 'string' or type(delivery) ~= 'table' then
      redis.call('RPUSH', queue, message)
      return taken
    end
    local exchange, key = cjson.encode(delivery.exchange or cjson.null), cjson.encode(delivery.routing_key or cjson.null)
    redis.call('ZADD', KEY.unacked_index, ARG.taken_at, tag)
    redis.call('HSET', KEY.unacked, tag, '[' .. message .. ', ' .. exchange .. ', ' .. key .. ']')
    table.insert(taken, queue)
    table.insert(taken, message)
  end
end
return taken
