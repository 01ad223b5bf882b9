"""Asks before something is changed; where nobody can be asked, `--yes` has to say so."""

import sys

from throughline.local.run import CannotRun


def confirmed(question: str, *, yes: bool) -> bool:
    """Whether to go on; raises `CannotRun` where there is no terminal to answer at."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise CannotRun(f"{question} Nothing was done: --yes confirms it where nobody can be asked.")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
