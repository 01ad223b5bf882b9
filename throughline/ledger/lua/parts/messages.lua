-- A task's message in its queue, found without reading the whole queue: Redis serves nobody while a script reads.

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

-- Where these very bytes are, counted from the end at which tasks join; nil when they do not wait here. queued is the
-- sweep's index of the queue: its order tells from which end to look, and how far. What the index does not count is added:
-- messages that were sent past the front door, tasks that have just joined, and those that workers hold.
local function place_of(queue, id, message, queued)
  local length, known = redis.call('LLEN', queue), redis.call('ZCARD', queued)
  local before = redis.call('ZRANK', queued, id) or known
  local more = 1000 + math.max(0, length - known)
  if before < known - before then return redis.call('LPOS', queue, message, 'RANK', -1, 'MAXLEN', before + more) end
  return redis.call('LPOS', queue, message, 'MAXLEN', known - before + more)
end

-- The same for a message that Celery gave back: it has blanks between its words and a header more than it had. kombu puts
-- it at one of the two ends: where tasks join when a process was lost, else where they leave. From there it moves on, so
-- that it may be further away than is looked at: whoever asks must bear not to find it.
local function given_back(queue, id)
  local plain = not string.find(id, '[^%w%-_.:]') -- another ID may be escaped within the JSON
  local length, bytes = redis.call('LLEN', queue), 0
  for i = 0, math.min(19, math.ceil(length / 2) - 1) do
    if bytes > 500000 then return end
    for _, place in ipairs({length - 1 - i, i}) do
      local message = redis.call('LINDEX', queue, place)
      bytes = bytes + #message
      local ends = string.sub(message, 1, 4000) .. string.sub(message, -4000) -- the headers are before the body or after
      if (not plain or string.find(ends, id, 1, true)) and task_of(message) == id then return place, message end
    end
  end
end

-- The message as it waits, and how many start before it, itself included; nil when it does not seem to wait here.
local function find_message(queue, id, as_enqueued, queued)
  local place, message = as_enqueued and place_of(queue, id, as_enqueued, queued), as_enqueued
  if not place then place, message = given_back(queue, id) end
  if place then return message, redis.call('LLEN', queue) - place end
end
