"""`--since` and `--until` of a command that looks at many tasks."""

from datetime import UTC, datetime

from throughline.cli.time_options import moment, upside_down
from throughline.profile import Window


def window_of(since: str, until: str | None) -> Window:
    """Until now, when nothing else is said; what makes no sense is named."""
    now = datetime.now(UTC)
    begin, end = moment("--since", since, now), moment("--until", until, now) if until else now
    if begin >= end:
        raise upside_down(begin, end)
    return Window(begin, end)
