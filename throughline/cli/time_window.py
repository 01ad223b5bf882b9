"""`--since` and `--until` of a command that looks at many tasks."""

from datetime import UTC, datetime

from throughline.local.run import CannotRun
from throughline.moment import moment_of
from throughline.profile import Window


def window_of(since: str, until: str | None) -> Window:
    """Until now, when nothing else is said; what makes no sense is named."""
    now = datetime.now(UTC)
    begin, end = _moment("--since", since, now), _moment("--until", until, now) if until else now
    if begin >= end:
        told = f"{begin:%Y-%m-%d %H:%M:%S} UTC) must be before --until ({end:%Y-%m-%d %H:%M:%S} UTC"
        raise CannotRun(f"--since ({told}).")
    return Window(begin, end)


def _moment(option: str, text: str, now: datetime) -> datetime:
    try:
        return moment_of(text, now)
    except ValueError as error:
        raise CannotRun(f"{option} {error}.") from None
