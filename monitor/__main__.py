"""`python -m monitor`."""

from contextlib import suppress

import uvicorn

from monitor.app import create_app
from throughline.ledger.history import History, HistoryUnavailable, HistoryWrong
from throughline.settings import MonitorSettings
from throughline.tasks.registry import registry


def main() -> None:
    settings = MonitorSettings.load()
    registry()  # a wrong task ends the monitor with the same line as api and workers
    _check_history(settings.history_address)
    # log_config=None: uvicorn's lines get our format.
    uvicorn.run(
        create_app(settings), host=settings.monitor_host, port=settings.monitor_port, access_log=False, log_config=None
    )


def _check_history(url: str) -> None:
    """A wrong setting ends the monitor with one line. A history that is away may come: tasks wait for it in Redis."""
    with suppress(HistoryUnavailable):
        try:
            history = History(url, writes=True)
            history.check()
            history.close()
        except HistoryWrong as error:
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
