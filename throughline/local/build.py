"""The version under which the processes of a run start: that of the checkout when it was started or last restarted.

In a file, which each of them reads when it starts: the environment of supervisor, which starts them, is as old as the
run, and their code is not.
"""

import sys
from pathlib import Path
from typing import Final

from throughline.local import private_file
from throughline.local.run import Run
from throughline.settings import NginxSettings

_READ_AND_RUN: Final = 'SERVICE_VERSION=$(cat "$0") && export SERVICE_VERSION && exec "$@"'


def note(run: Run, *, nginx: bool = False) -> None:
    """What starts from now on is of this version; NGINX, whose configuration has it, only when it is given anew."""
    version = NginxSettings.load().service_version
    private_file.write(_file(run), version)
    if nginx:
        private_file.write(nginx_file(run), version)


def of_nginx(run: Run) -> str:
    return nginx_file(run).read_text(encoding="utf-8")


def nginx_file(run: Run) -> Path:
    return run.folder / "conf" / "nginx-version"


def wrapped(run: Run, *arguments: str) -> tuple[str, ...]:
    """The command that runs Python with these arguments at that version."""
    return ("/bin/sh", "-c", _READ_AND_RUN, str(_file(run)), sys.executable, *arguments)


def _file(run: Run) -> Path:
    return run.folder / "conf" / "version"
