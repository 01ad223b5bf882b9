"""`python -m monitor`."""

from throughline import quiet_start

# isort: split
import os
from pathlib import Path

import uvicorn

from monitor.app import create_app
from throughline.ledger.history import check_at_start
from throughline.settings import MonitorSettings
from throughline.tasks.registry import registry
from throughline.web.connection import Connection


def main() -> None:
    settings = MonitorSettings.load()
    registry()  # a wrong task ends the monitor with the same line as api and workers
    if not settings.history_url:
        _make(settings.var_dir)
    check_at_start(settings.history_address, writes=True)
    app = create_app(settings)
    quiet_start.end()
    uvicorn.run(
        app,
        host=settings.monitor_host,
        port=settings.monitor_port,
        http=Connection,
        access_log=False,
        log_config=None,  # uvicorn's lines get our format
        proxy_headers=False,  # what a client says in X-Forwarded-For is not to be believed
    )


def _make(folder: Path) -> None:
    """Ends the process with one line where the history cannot be kept in the folder that it is in by default."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK | os.X_OK) else "it may not be written to"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise SystemExit(
            f"Wrong setting: VAR_DIR: the history cannot be kept in {folder}: {reason}. "
            "Name another folder, or another history by HISTORY_URL"
        )


if __name__ == "__main__":
    main()
