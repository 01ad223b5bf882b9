"""`python -m monitor.plane.history`: brings the history's tables to this version, as their owner. Safe to run again."""

import logging
import sys
import time
from typing import Final

from throughline.ledger.history import History, HistoryUnavailable, HistoryWrong
from throughline.settings.history import HistorySettings
from throughline.settings.process import ProcessSettings
from throughline.telemetry import logging as log_lines

_logger: Final = logging.getLogger("throughline.setup")
_PATIENCE_SECONDS: Final = 120


class OwnerSettings(ProcessSettings, HistorySettings):
    """Its HISTORY_URL is that of a user who may change tables."""


def main() -> int:
    """0 when the tables are there."""
    settings = OwnerSettings.load()
    log_lines.setup("history-setup", settings)
    try:
        history = History(settings.history_address, writes=True)
        _set_up(history)
    except (HistoryUnavailable, HistoryWrong) as error:
        _logger.error("%s", error)
        return 1
    _logger.info("The history is set up: %s", history.place)
    return 0


def _set_up(history: History) -> None:
    """The database may still be starting."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return history.set_up()
        except HistoryUnavailable as error:
            if time.monotonic() > deadline:
                raise
            _logger.info("Waiting: %s", error)
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
