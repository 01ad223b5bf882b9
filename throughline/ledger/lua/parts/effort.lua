-- How long one call has held Redis, estimated in microseconds: scripts are given no clock that goes on while they run.

local effort_left = 4000
local function spend(effort) effort_left = effort_left - effort end
local function is_spent() return effort_left <= 0 end

-- To bring that many bytes into a script and to look for them in a queue, or to push them into one.
local function effort_of(bytes) return bytes / 500 end
