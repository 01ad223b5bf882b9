"""Finds NGINX and redis-server, which come from the system and not from the virtual environment."""

import os
import shutil
import sys
from typing import Final

from throughline.local.run import CannotRun

# Debian installs nginx in a folder that only root's PATH contains.
_BESIDE_PATH: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/sbin")


def require() -> dict[str, str]:
    """The path of each program; `CannotRun` when one is missing."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_BESIDE_PATH])
    found = {name: shutil.which(name, path=path) for name in ("nginx", "redis-server")}
    missing = [name for name, where in found.items() if where is None]
    if missing:
        how = "brew install nginx redis" if sys.platform == "darwin" else f"sudo apt-get install {' '.join(missing)}"
        raise CannotRun(f"{' and '.join(missing)} not found: {how}")
    return {name: where for name, where in found.items() if where is not None}
