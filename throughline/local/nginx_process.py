"""Becomes NGINX once the port is free: `python -m throughline.local.nginx_process PIDFILE SPANS VERSION nginx …`.

The workers of a master that was killed keep its port and go on answering, and nothing controls them; a new master could
not start. Supervisor runs it. SPANS is NGINX's file of spans, which nginx/rotate.sh keeps bounded; VERSION is the file
with the version of its configuration.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from throughline.local import session
from throughline.local.run import ROOT

_STANDARD_ERROR: Final = 2


def main(pid_file: Path, spans: str, version: Path, command: list[str]) -> None:
    for pid in _left_behind(pid_file):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)  # closes the port at once, and finishes what it is answering
    # What is wrong with the configuration is told here, where it cannot come after this process has ended.
    tested = subprocess.run([*command, "-t", "-q"], check=False)
    if tested.returncode != 0:
        sys.exit(tested.returncode)
    # This process is NGINX in a moment: the script ends when its pid does.
    _beside("rotate.sh", str(os.getpid()), spans)
    node = os.environ.get("SERVICE_NODE_NAME", "nginx")
    started = ("sh", str(ROOT / "nginx" / "started.sh"), node, version.read_text(encoding="utf-8"), str(os.getpid()))
    subprocess.run(started, check=False)
    _filter_errors(node, version)
    os.environ["TZ"] = "UTC"  # in which the filter's lines are
    os.execv(command[0], command)  # noqa: S606 - takes this process's place, so that supervisor's signals reach it


def _filter_errors(node: str, version: Path) -> None:
    """What NGINX says on its standard error becomes log lines; a filter that stands still holds up none."""
    end, beginning = os.pipe()
    _beside("errors.sh", node, str(version), stdin=end)
    os.set_blocking(beginning, False)
    os.dup2(beginning, _STANDARD_ERROR)
    os.close(beginning)
    os.close(end)


def _beside(script: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> None:
    """Not in NGINX's process group: a rolling restart waits until the old ones of that group have ended."""
    subprocess.Popen(["sh", str(ROOT / "nginx" / script), *arguments], stdin=stdin, process_group=0)


def _left_behind(pid_file: Path) -> list[int]:
    """What is left of the process group of the master that could not remove its own pid file."""
    try:
        master = int(pid_file.read_text())
    except (OSError, ValueError):
        return []
    return [pid for pid in session.members(os.getsid(0)) if _group(pid) == master]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
