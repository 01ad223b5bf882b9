"""What the monitor does for the history: it copies what has ended, and lets Redis forget what has been copied."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.clients import Clients
from tests.model.monitors import Monitors
from tests.model.reference import Task
from tests.model.stage import any_task, one_of, when
from throughline.ledger import history_scripts, keys
from throughline.ledger.stored_task import StoredTask

TOMBSTONE_SECONDS = 3600
STEPS = ("copies", "copies", "reads", "commits", "marks")


def ended(stage: Clients) -> list[Task]:
    return [task for task in any_task(stage) if task.is_final]


def fresh_dead_letters(stage: Clients) -> list[Task]:
    """Those that nobody has copied."""
    return [task for task in any_task(stage) if task.is_dead_letter and not task.is_archived]


class Archivers(Clients, Monitors):
    """An archiver may be killed between any two steps, and another goes on: it begins again with what it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[StoredTask] = []
        self.committed: list[StoredTask] = []

    @when(ended)
    @rule(step=st.sampled_from(STEPS), forgets=st.booleans())
    def archive(self, step: str, forgets: bool) -> None:
        """A slow one commits and marks what it read long ago."""
        if step in {"copies", "reads"}:
            waiting, self.read = self.run(history_scripts.ended(most=100, most_bytes=10**6))
            assert waiting == len(self.read)
        if step in {"copies", "commits"}:
            self.commit()
        if step in {"copies", "marks"}:
            self.mark()
        if forgets:
            self.forget()

    @when(ended)
    @rule(task=one_of(ended))
    def archive_one_and_forget_it(self, task: Task) -> None:
        """Its message may still be with a worker that has not acknowledged it, or come again."""
        _, self.read = self.run(history_scripts.ended(most=100, most_bytes=10**6))
        self.commit()
        self.mark()
        self._forget([task])

    @when(fresh_dead_letters)
    @rule(task=one_of(fresh_dead_letters))
    def end_again_while_it_is_copied(self, task: Task) -> None:
        """An operator replays a dead letter, and cancels it, before a slow archiver has marked what it copied."""
        _, self.read = self.run(history_scripts.ended(most=100, most_bytes=10**6))
        self.commit()
        self.replay(task)
        self.cancel(task)
        self.mark()

    def commit(self) -> None:
        for told in self.read:
            known = self.history.get(told.task_id)
            if known is None or told.record.version > known.record.version:
                self.history[told.task_id] = told
        self.committed, self.read = self.read, []

    def mark(self) -> None:
        versions = {told.task_id: told.record.version for told in self.committed}
        marked = self.run(history_scripts.copied(versions)) if versions else []
        for task_id, version in versions.items():
            task = self.tasks[task_id]
            counts = task.is_final and task.version == version
            assert (task_id in marked) == counts, f"{task}, version {task.version}, is marked as copied at {version}"
            if counts:
                task.copied = version
        self.committed = []

    def forget(self) -> None:
        """Asked to forget all, Redis lets go of those only that the history has."""
        self._forget([task for task in self.tasks.values() if task.status is not None])

    def _forget(self, tasks: list[Task]) -> None:
        ids = [task.task_id for task in tasks]
        gone = self.run(history_scripts.forget(ids, tombstone_seconds=self.clock.lifetime(TOMBSTONE_SECONDS)))
        for task in tasks:
            assert (task.task_id in gone) == task.is_archived, (
                f"{task}, {task.status}: forgotten {task.task_id in gone}"
            )
            if task.is_archived:
                task.forgotten()
            assert bool(self.redis.exists(keys.moved(task.task_id))) == (task.has_moved and not task.accepted)

    def check_history(self) -> None:
        """What Redis has marked as copied, or has forgotten, the history has as it was at the end."""
        seen = self.seen()
        for task in self.tasks.values():
            version = task.past["version"] if task.past else task.copied if task.is_archived else 0
            if not version:
                continue
            kept = self.history[task.task_id]
            assert kept.record.version == version, f"{task}: the history has version {kept.record.version}"
            assert kept.record.status == (task.past["status"] if task.past else task.status)
            assert bool(kept.message) == task.accepted, f"{task}: the history has its message"
            if not task.past:
                now = {name: told for name, told in seen.fields[task.task_id].items() if name != "archived"}
                assert dict(kept.fields) == now, f"{task} has changed since it was copied"
