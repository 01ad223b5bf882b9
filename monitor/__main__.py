"""`python -m monitor`."""

from throughline import quiet_start

# isort: split
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
        settings.var_dir.mkdir(parents=True, exist_ok=True)
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


if __name__ == "__main__":
    main()
