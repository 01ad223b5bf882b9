"""The history: every ended task, for as long as results are kept, in SQLite or PostgreSQL.

It needs the extra `history`; api and monitor have it, a worker and a client do without.
"""

from throughline.ledger.history.async_history import AsyncHistory
from throughline.ledger.history.counting import Bar
from throughline.ledger.history.errors import HistoryUnavailable, HistoryWrong, NotStored
from throughline.ledger.history.history import History
from throughline.ledger.history.reading import DeadLetter, ErrorGroup
from throughline.ledger.history.start import check_at_start

__all__ = [
    "AsyncHistory",
    "Bar",
    "DeadLetter",
    "ErrorGroup",
    "History",
    "HistoryUnavailable",
    "HistoryWrong",
    "NotStored",
    "check_at_start",
]
