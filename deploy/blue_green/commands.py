"""One call of a program, with a deadline, and apart from the signals that end this one."""

import subprocess
from collections.abc import Sequence
from typing import Final

from deploy.blue_green.errors import CannotRelease

SECONDS: Final = 30.0


def run(command: Sequence[str], *, given: str | None = None, seconds: float = SECONDS) -> str:
    """What it printed. It has a session of its own: Ctrl-C must not end a `helm upgrade` half-way."""
    try:
        ended = subprocess.run(
            command,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise CannotRelease(f"{command[0]} is not installed, or not in the PATH.") from None
    except subprocess.TimeoutExpired:
        raise CannotRelease(f"`{_shown(command)}` did not end within {seconds:.0f} s.") from None
    if ended.returncode != 0:
        raise CannotRelease(f"`{_shown(command)}` failed: {_reason(ended.stderr or ended.stdout)}")
    return ended.stdout


def _shown(command: Sequence[str]) -> str:
    """The first words, which tell what was done."""
    return " ".join(command[:4])


def _reason(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith(("W1", "I1"))]
    return " ".join(lines[-3:]).removeprefix("Error: ")
