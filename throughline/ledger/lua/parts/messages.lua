-- The one way to find a task's message in a queue: by the task's ID in its headers, however it was serialised. Celery
-- gives a message back with blanks between its words and a header more than it had.

-- A message without its body, which may be large: the front door writes the body last, Celery and kombu write it first.
local function parsed(message)
  local headers, body = string.find(message, '"headers"', 1, true), string.find(message, '"body"%s*:')
  local rest = message
  if headers and body then
    rest = headers < body and string.gsub(string.sub(message, 1, body - 1), ',%s*$', '') .. '}'
      or '{' .. string.sub(message, headers)
  end
  local ok, told = pcall(cjson.decode, rest)
  if not ok then ok, told = pcall(cjson.decode, message) end
  return ok and type(told) == 'table' and told or {}
end

local function task_of(message)
  local headers = parsed(message).headers
  return type(headers) == 'table' and headers.id or nil
end

-- The message and how many start before it, itself included; nil when it does not wait in this queue.
local function find_message(queue, id, as_enqueued)
  local place = as_enqueued and redis.call('LPOS', queue, as_enqueued, 'RANK', -1)
  if place then return as_enqueued, redis.call('LLEN', queue) - place end
  local plain = not string.find(id, '[^%w%-_.:]') -- another ID may be escaped within the JSON
  local bodies = redis.call('LRANGE', queue, 0, -1)
  for i = #bodies, 1, -1 do
    if (not plain or string.find(bodies[i], id, 1, true)) and task_of(bodies[i]) == id then
      return bodies[i], #bodies - i + 1
    end
  end
end
