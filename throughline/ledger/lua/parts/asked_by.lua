-- A change that somebody asked for, with the request, the caller and the words; what is not known is left out.
local function asked_by(change)
  change.requested_by = ARG.requested_by
  if ARG.caller ~= '' then change.caller = ARG.caller end
  if ARG.why ~= '' then change.why = ARG.why end
  return change
end
