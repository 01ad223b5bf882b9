"""One task out of a request that has many: its own steps and log lines, in its own time."""

from dataclasses import replace
from datetime import timedelta

from throughline.journey.journey import Request


def one_task(request: Request, task_id: str) -> Request:
    """The request as if it had this task alone; unchanged when it has no other, or none of its steps is known."""
    task = next((task for task in request.tasks if task.task_id == task_id), None)
    steps = [step for step in request.steps if step.task_id == task_id]
    if task is None or not steps or len(request.tasks) == 1:
        return request
    begin, depth = min(step.offset_ns for step in steps), min(step.depth for step in steps)
    own = tuple(replace(step, offset_ns=step.offset_ns - begin, depth=step.depth - depth) for step in steps)
    return replace(
        request,
        started=request.started + timedelta(microseconds=begin // 1000),
        task_id=task_id,
        tasks=(replace(task, depth=0),),
        total_ns=max(step.end_ns for step in own),
        queue_wait_ns=task.queue_wait_ns,
        run_ns=task.run_ns,
        pause_ns=task.pause_ns,
        slowest=max(own, key=lambda step: (step.own_ns, step.depth)),
        steps=own,
        logs=tuple(
            replace(line, offset_ns=None if line.offset_ns is None else line.offset_ns - begin)
            for line in request.logs
            if line.text("task_id") == task_id
        ),
    )
