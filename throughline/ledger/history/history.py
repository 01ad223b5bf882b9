"""The history as a process uses it: blocking calls, each answered or refused within a few seconds."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from throughline import history_url
from throughline.history_url import SqliteFile
from throughline.ledger.data_mark import DataMark
from throughline.ledger.history import counting, listing, mark, migration, pruning, reading, writing
from throughline.ledger.history.counting import Bar
from throughline.ledger.history.engine import WRITES, engine_for
from throughline.ledger.history.errors import HistoryUnavailable, HistoryWrong, NotStored, told
from throughline.ledger.history.reading import DeadLetter, ErrorGroup
from throughline.ledger.history.rows import Rows
from throughline.ledger.stored_task import StoredTask
from throughline.ledger.task_query import TaskQuery

# Named here: within the class, `list` is a method.
Tasks = list[StoredTask]
Bars = list[Bar]
Groups = list[ErrorGroup]
DeadLetters = list[DeadLetter]

_MIGRATION_SECONDS = 600  # for one statement: an index over many millions of tasks


class History:
    """Every call raises `HistoryUnavailable` or `HistoryWrong` when the database does not do it.

    `writes`: the monitor's. It makes SQLite's file, and brings the tables to this version before its first call if its
    user may. Without it (the api's), a SQLite file that is not there yet, or has no tables yet, is an empty history.
    """

    def __init__(self, url: str, *, timeout: float = 5.0, writes: bool = False) -> None:
        try:
            self.place = history_url.place(url)
        except ValueError as error:
            raise HistoryWrong(str(error)) from None
        self._timeout, self._writes = timeout, writes
        self._engine = engine_for(self.place, timeout, writes=writes)
        self._ready, self._preparing = threading.Event(), threading.Lock()

    def close(self) -> None:
        self._engine.dispose()

    def check(self) -> None:
        """Whether it can be used: that it is there, and has the tables that this code needs."""
        self._ready.clear()
        with self._translated():
            self._prepare()

    def set_up(self) -> None:
        """Brings its tables to this code's version. For an owner: whoever writes and reads needs no such right."""
        with self._translated():
            self._upgrade()

    def archive(self, tasks: Sequence[StoredTask]) -> None:
        """Stores them, durably when it returns; `NotStored` names those that the database refuses for what is in them.

        One that is there already, in the same version or a later one, stays as it is.
        """
        rows = writing.latest_versions(tasks)
        if not rows:
            return
        try:
            self._store(rows)
        except (DataError, IntegrityError):
            self._store_one_by_one(rows)

    def find(
        self, task_ids: Sequence[str], *, messages: bool = False, caller: str | None = None
    ) -> dict[str, StoredTask]:
        """By ID, those that it has; their messages, which may be large, only on request.

        With a `caller`, of their tasks alone: another's takes no longer than one that is not there.
        """
        with self._read() as connection:
            if not connection or not task_ids:
                return {}
            return reading.find(connection, task_ids, messages=messages, caller=caller)

    def list(self, query: TaskQuery) -> Tasks:
        """A page: at most `query.limit` tasks, in the query's order, from `query.after` on; without large results."""
        with self._read() as connection:
            return reading.for_list(connection, listing.page(connection, query)) if connection else []

    def dead_letters(self, most: int) -> Tasks:
        """The latest first."""
        with self._read() as connection:
            return reading.dead_letters(connection, most) if connection else []

    def dead_letters_between(self, since: float, until: float, *, task_type: str = "", most: int = 2000) -> DeadLetters:
        """With their errors, the latest first."""
        with self._read() as connection:
            return reading.dead_letters_between(connection, since, until, task_type, most) if connection else []

    def count_dead_letters(self) -> int:
        with self._read() as connection:
            return reading.count_dead_letters(connection) if connection else 0

    def counts(self, query: TaskQuery, since: float, until: float, bars: int) -> Bars:
        """How many of the query's tasks were submitted in each of `bars` equal parts of the time, by status."""
        with self._read() as connection:
            return counting.counts(connection, query, since, until, bars) if connection else []

    def error_groups(self, since: float, until: float, *, task_type: str = "", most: int = 50) -> Groups:
        """What failed between these two moments, the largest group first."""
        with self._read() as connection:
            return reading.error_groups(connection, since, until, task_type, most) if connection else []

    def data_mark(self) -> DataMark | None:
        """The mark of Redis's data, as the last monitor that kept it saw them; None when none has."""
        with self._read() as connection:
            return mark.read(connection) if connection else None

    def keep_data_mark(self, seen: DataMark) -> None:
        with self._write() as connection:
            mark.write(connection, seen)

    def prune(self, before: float, most: int = 1000) -> int:
        """Removes at most `most` tasks that ended before this moment, the oldest first. How many it removed."""
        with self._write() as connection:
            removed = pruning.prune(connection, before, most)
        if removed:
            with self._translated(), self._engine.connect() as connection:
                pruning.give_back(connection)
        return removed

    def size(self) -> int:
        """The bytes that SQLite's file holds; 0 for PostgreSQL."""
        with self._read() as connection:
            return pruning.size(connection) if connection else 0

    def _store(self, rows: Sequence[Rows]) -> None:
        with self._write(refusals=True) as connection:
            writing.store(connection, rows)

    def _store_one_by_one(self, rows: Sequence[Rows]) -> None:
        """One that is refused must not keep all others out."""
        reasons = {}
        for each in rows:
            try:
                self._store([each])
            except (DataError, IntegrityError) as error:
                reasons[each.task["task_id"]] = type(error.orig).__name__
        if reasons:
            raise NotStored(reasons)

    @contextmanager
    def _read(self) -> Iterator[Connection | None]:
        """None where nothing has been stored yet."""
        if self._is_missing():
            yield None
            return
        with self._translated():
            if not self._prepare():
                yield None
                return
            with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def _write(self, *, refusals: bool = False) -> Iterator[Connection]:
        with self._translated(refusals=refusals):
            self._prepare()
            with self._engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
                yield connection

    @contextmanager
    def _translated(self, *, refusals: bool = False) -> Iterator[None]:
        try:
            yield
        except (HistoryUnavailable, HistoryWrong):
            raise
        except SQLAlchemyError as error:
            if refusals and isinstance(error, DataError | IntegrityError):
                raise
            self._ready.clear()  # what comes back may be another database: an empty file, or an older backup
            raise told(error, self.place) from None

    def _check_folder(self) -> None:
        """SQLite's own words for these are the same as for what may pass."""
        if isinstance(self.place, SqliteFile) and self._writes:
            folder = self.place.path.absolute().parent
            if not folder.is_dir():
                raise HistoryWrong(f"{self.place}: its folder {folder} is not there")
            if not os.access(folder, os.W_OK | os.X_OK):
                raise HistoryWrong(f"{self.place} is in a folder that may not be written to")

    def _is_missing(self) -> bool:
        place = self.place
        return isinstance(place, SqliteFile) and not self._writes and not place.path.exists()

    def _prepare(self) -> bool:
        """Once, before the first call; again after each that failed. False where nothing has been stored yet."""
        if self._ready.is_set():
            return True
        if self._is_missing():
            return False
        with self._preparing:
            if self._ready.is_set():
                return True
            self._check_folder()
            with self._engine.connect() as connection:
                current, found = migration.is_current(connection, self.place), migration.revision(connection)
            if not current and not self._writes:
                if found is None and isinstance(self.place, SqliteFile):
                    return False  # the monitor, which has just made the file, is about to make the tables
                raise migration.awaited(self.place, found)
            if not current:
                self._upgrade_if_allowed(found)
            self._ready.set()
            return True

    def _upgrade_if_allowed(self, found: str | None) -> None:
        """Who may not do so waits for the owner."""
        try:
            self._upgrade()
        except SQLAlchemyError as error:
            if isinstance(told(error, self.place), HistoryWrong):
                raise migration.awaited(self.place, found) from None
            raise

    def _upgrade(self) -> None:
        patient = engine_for(self.place, _MIGRATION_SECONDS, writes=True)
        try:
            migration.upgrade(patient, self.place)
        finally:
            patient.dispose()
