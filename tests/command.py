"""A command that a test runs: what it printed, or an error that says what went wrong."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


class Failed(RuntimeError):
    """The command ended with an error; the message has its last words."""


def output(
    command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None, text: str | None = None
) -> str:
    """What it printed on stdout, called in the checkout's folder with `text` as its input."""
    __tracebackhide__ = True  # the command says enough
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)}: {done.stderr[-3000:]}")
    return done.stdout
