"""Orders a request's steps: a call below its caller, a child task below the run of its parent."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from throughline.journey.journey import NO_SPAN, Step
from throughline.journey.role import Role
from throughline.journey.task_spans import TaskSpans

_OF_A_TASK: Final = {Role.WAIT, Role.RUN, Role.LOST, Role.PAUSE, Role.MARK}
_AFTER_A_RUN: Final = {"put back", "handed back"}  # names of marks
_SOON_NS: Final = 100 * 10**6
_AT_ONE_MOMENT: Final = {Role.LOST: 1, Role.PAUSE: 1, Role.WAIT: 2, Role.RUN: 3}


@dataclass
class _Node:
    step: Step
    order: tuple[int, ...]  # among the steps below the same one
    below: list["_Node"] = field(default_factory=list)


def in_order(steps: Sequence[Step], tasks: Sequence[TaskSpans]) -> tuple[Step, ...]:
    """Each step once, with its depth. A parent stands before its children in `steps` and in `tasks`."""
    tree = _Tree(tasks)
    for step in steps:
        tree.add(step)
    return tree.flat()


class _Tree:
    def __init__(self, tasks: Sequence[TaskSpans]) -> None:
        self._roots: list[_Node] = []
        self._by_span: dict[str, _Node] = {}
        self._count = count()
        self._rank = {task.task_id: rank for rank, task in enumerate(tasks)}
        self._parent = {task.task_id: task.parent_id for task in tasks}
        self._runs: dict[str, list[_Node]] = {}
        self._of_tasks: dict[str, list[Step]] = {}
        self._calls: list[Step] = []

    def add(self, step: Step) -> None:
        if step.role in _OF_A_TASK and step.task_id in self._rank:
            self._of_tasks.setdefault(step.task_id, []).append(step)
        else:
            self._calls.append(step)

    def flat(self) -> tuple[Step, ...]:
        first = self._ranked_tasks()
        for call in self._calls:
            self._place_call(call)
        for task_id, nodes in first:
            for node in nodes:
                self._place_of_task(task_id, node)
        return tuple(self._walk())

    def _ranked_tasks(self) -> list[tuple[str, list[_Node]]]:
        found = []
        for task_id in sorted(self._of_tasks, key=lambda each: self._rank[each]):
            nodes = [self._node(step, (1, self._rank[task_id])) for step in self._of_tasks[task_id]]
            runs = [node for node in nodes if node.step.role is Role.RUN]
            # A task that still runs has no run span: its children go below its wait.
            self._runs[task_id] = runs or [node for node in nodes if node.step.role is Role.WAIT]
            ends = [*runs, *(node for node in nodes if node.step.role is Role.LOST)]
            for node in nodes:
                _put_after_its_run(node, ends)
            found.append((task_id, nodes))
        return found

    def _node(self, step: Step, order: tuple[int, int]) -> _Node:
        node = _Node(step, (*order, step.offset_ns, _AT_ONE_MOMENT.get(step.role, 0), next(self._count)))
        if step.span_id != NO_SPAN:
            self._by_span[step.span_id] = node
        return node

    def _place_call(self, call: Step) -> None:
        node = self._node(call, (0, 0))
        around = self._by_span.get(call.parent_id)
        if around is node:
            around = None
        if around is not None and around.step.role is Role.WAIT and call.role is not Role.TAKE:
            # The run of this phase has no span (yet): the phase goes below the step that log lines gave for the run.
            around = self._unseen_run(call) or around
        (around.below if around else self._roots).append(node)

    def _unseen_run(self, call: Step) -> _Node | None:
        begun = [
            run
            for run in self._runs.get(call.task_id, ())
            if run.step.role is Role.RUN and run.step.span_id == NO_SPAN and run.step.offset_ns <= call.offset_ns
        ]
        return max(begun, key=lambda run: run.step.offset_ns, default=None)

    def _place_of_task(self, task_id: str, node: _Node) -> None:
        parent = self._parent[task_id]
        known = self._rank.get(parent, len(self._rank)) < self._rank[task_id]
        runs = self._runs.get(parent, []) if known else []
        if not runs:
            self._roots.append(node)
            return
        begin = self._of_tasks[task_id][0].offset_ns
        begun = [run for run in runs if run.step.offset_ns <= begin]
        max(begun or runs[:1], key=lambda run: run.step.offset_ns).below.append(node)

    def _walk(self) -> list[Step]:
        found: list[Step] = []
        waiting = [(node, 0) for node in sorted(self._roots, key=lambda node: node.order, reverse=True)]
        while waiting:
            node, depth = waiting.pop()
            found.append(replace(node.step, depth=depth))
            below = sorted(node.below, key=lambda each: each.order, reverse=True)
            waiting.extend((each, depth + 1) for each in below)
        return found


def _put_after_its_run(mark: _Node, runs: Sequence[_Node]) -> None:
    """A task is put back because its run has ended: the mark stands before the wait, which begins with that end."""
    if mark.step.name not in _AFTER_A_RUN or mark.step.role is not Role.MARK:
        return
    ends = [run.step.end_ns for run in runs if 0 <= mark.step.offset_ns - run.step.end_ns <= _SOON_NS]
    if ends:
        mark.order = (*mark.order[:2], max(ends), *mark.order[3:])


def depths_of_tasks(steps: Sequence[Step]) -> dict[str, int]:
    """The depth of each task's steps."""
    found: dict[str, int] = {}
    for step in steps:
        if step.role in _OF_A_TASK:
            found.setdefault(step.task_id, step.depth)
    return found
