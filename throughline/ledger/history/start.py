"""What a process does about its history when it starts: it ends if waiting would not help, and else starts."""

from contextlib import suppress

from throughline.ledger.history.errors import HistoryUnavailable, HistoryWrong
from throughline.ledger.history.history import History


def check_at_start(url: str, *, writes: bool = False) -> None:
    """A wrong setting ends the process with one line. A history that is away may come: tasks are taken and run on."""
    try:
        history = History(url, writes=writes)
        with suppress(HistoryUnavailable):
            history.check()
        history.close()
    except HistoryWrong as error:
        raise SystemExit(str(error)) from None
