"""Faults for the Lua scripts: each a line that somebody might forget, or get wrong."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`right` in the text of a script, or of a part that scripts share, is read as `wrong`."""

    name: str
    file: str
    right: str
    wrong: str = ""
    is_rare: bool = False  # it shows only after many examples: planted by `make model` alone


FAULTS = (
    Fault("store without the fence", "store.lua", "if not counts then", "if false then", is_rare=True),
    Fault("an end leaves the task open", "ending.lua", "redis.call('ZREM', KEY.open, ARG.task_id)"),
    Fault("a worker never looks into medium", "take.lua", "KEY.high, KEY.medium, KEY.low", "KEY.high, KEY.low"),
    Fault("claim does not count deliveries", "claim.lua", "'deliveries', tonumber(deliveries or 0) + 1,"),
    Fault("a claim does not count as a change", "claim.lua", "'version', tonumber(version or 0) + 1, "),
    Fault(
        "claim runs what a live worker runs",
        "claim.lua",
        "return cjson.encode({outcome = 'running', at = stamp})",
        is_rare=True,
    ),
    Fault("claim runs what is to be cancelled", "claim.lua", "if cancel_requested then", "if false then", is_rare=True),
    Fault(
        "cancel leaves the message in its queue",
        "cancel.lua",
        "if message then -- from the nearer end",
        "if false then",
    ),
    Fault(
        "hand back leaves the attempt running",
        "hand_back.lua",
        "close_attempt(attempts, 'RETRY', ARG.reason, nil, seen)",
        "nil",
    ),
    Fault("a lost attempt keeps no sign of life", "moves.lua", "  attempt.last_seen_at = last_seen_at\n"),
    Fault(
        "the wait for a retry counts as a wait in the queue",
        "claim.lua",
        "before.outcome == 'RETRY' and is_among(LOST, before.ended_by) == true",
        "true",
    ),
    Fault("hand back by a worker that has it no more", "hand_back.lua", " or holder ~= ARG.worker", is_rare=True),
    Fault(
        "a move leaves worker, process and attempt",
        "moves.lua",
        "redis.call('HDEL', record, 'worker', 'process', 'attempt', 'seen_at')",
    ),
    Fault("a run that the sweep ends is not counted", "sweep.lua", "  count_run(ended, task_type, queue)"),
    Fault("a run that a worker gives up is not counted", "hand_back.lua", "count_run(closed, task_type, queue)"),
    Fault("a run that a claim ends is not counted", "claim.lua", "  count_run(before, task_type, queue)", is_rare=True),
    Fault("a task that ends before a run is not counted", "store.lua", "count_task(task_type, state)"),
    Fault("a cancelled task is not counted", "cancel.lua", "count_task(task_type, 'REVOKED')"),
    Fault("retry is not delayed", "retry.lua", "redis.call('ZADD', KEY.delayed, due, ARG.task_id)"),
    Fault("replay leaves the dead letter", "replayed.lua", "KEY.dead_letters, "),
    Fault("replay does not open the task", "replayed.lua", "redis.call('ZADD', KEY.open, stamp, ARG.task_id)"),
    Fault(
        "sweep forgets the delayed tasks",
        "sweep.lua",
        "redis.call('ZRANGEBYSCORE', KEY.delayed, '-inf', now, 'LIMIT', 0, 100)",
        "{}",
    ),
    Fault("sweep puts nothing into the queue", "sweep.lua", "redis.call('RPUSH', queue, message)"),
    Fault(
        "sweep knows no grace",
        "sweep.lua",
        "local in_grace = now < tonumber(grace_until or 0)",
        "local in_grace = false",
        is_rare=True,
    ),
    Fault(
        "sweep puts back what a live worker has",
        "sweep.lua",
        "if lives then held[id] = worker else",
        "if not lives then",
    ),
    Fault("position and cancel compare bytes", "messages.lua", "and task_of(message) == id", "and false"),
    Fault("the front door takes one too many", "front_door.lua", "depth >= max_depth", "depth > max_depth"),
    Fault(
        "an idempotency key is not kept",
        "front_door.lua",
        "if KEY.idempotency ~= '' then redis.call('SET'",
        "if false then redis.call('SET'",
    ),
    Fault("an end is not told to the archiver", "ending.lua", "redis.call('ZADD', KEY.ended, stamp, ARG.task_id)"),
    Fault("a move does not count", "moves.lua", "redis.call('HINCRBY', record, 'version', 1)"),
    Fault(
        "the front door does not say that the history lacks it",
        "front_door.lua",
        "history_lacks(ARG.task_id, record, now)",
    ),
    Fault(
        "what the history has is still listed for its owner",
        "lacked.lua",
        "for _, index in ipairs(indices_of(owner)) do redis.call('ZREM', index, id) end",
    ),
    Fault("a copy counts though a replay overtook it", "copied.lua", " and (now_at or '0') == version", is_rare=True),
    Fault("what the history lacks is forgotten", "forget.lua", "archived == (version or '0')", "true"),
    Fault(
        "a task past the front door leaves no tombstone", "forget.lua", "redis.call('EXISTS', message) == 0", "false"
    ),
    Fault("claim runs what has moved", "claim.lua", "if not status and has_moved()", "if false", is_rare=True),
    Fault("store writes what has moved", "store.lua", " or not before and has_moved()", is_rare=True),
    Fault("received writes what has moved", "received.lua", " or redis.call('GET', KEY.moved)", is_rare=True),
    Fault("progress changes what has ended", "progress.lua", "== 'STARTED'", "", is_rare=True),
    Fault(
        "a replayed task stays archived",
        "replayed.lua",
        "history_lacks(ARG.task_id, record, submitted_at)",
        is_rare=True,
    ),
    Fault("a replayed task is forgotten", "replayed.lua", ", KEY.ended, KEY.hot", is_rare=True),
    Fault("an open task expires", "lifetime.lua", "redis.call('EXISTS', KEY.message) == 1", "false"),
    Fault("a revived task has no message", "revive.lua", "redis.call('SET', KEY.message, ARG.message)", is_rare=True),
    Fault(
        "of two revivals both count",
        "revive.lua",
        "if redis.call('EXISTS', KEY.record) == 1 then",
        "if false then",
        is_rare=True,
    ),
)
