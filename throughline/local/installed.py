"""Finds NGINX and redis-server, which come from the system and not from the virtual environment."""

import os
import re
import shutil
import subprocess
import sys
from typing import Final

from throughline.local.run import CannotRun

# Debian installs nginx in a folder that only root's PATH contains.
_BESIDE_PATH: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/sbin")
_OLDEST_REDIS: Final = 7


def require() -> dict[str, str]:
    """The path of each program; `CannotRun` when one is missing, or Redis too old."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_BESIDE_PATH])
    found = {name: shutil.which(name, path=path) for name in ("nginx", "redis-server")}
    missing = [name for name, where in found.items() if where is None]
    if missing:
        how = "brew install nginx redis" if sys.platform == "darwin" else f"sudo apt-get install {' '.join(missing)}"
        raise CannotRun(f"{' and '.join(missing)} not found: {how}")
    programs = {name: where for name, where in found.items() if where is not None}
    _require_redis(programs["redis-server"])
    return programs


def _require_redis(program: str) -> None:
    """Scripts say of themselves that they may write beyond `maxmemory`: Redis knows that since 7.0."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    version = re.search(r"v=(\d+)\.", told)
    if version and int(version[1]) < _OLDEST_REDIS:
        raise CannotRun(
            f"{program} is {told.split(' sha=')[0].strip()}: please install Redis {_OLDEST_REDIS}.0 or newer"
        )
