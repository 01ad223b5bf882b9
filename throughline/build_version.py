"""Which build this is: the package's version and, in a git checkout, the commit, such as `0.1.0+g1a2b3c4.dirty`.

deploy/version.sh says the same for images, which are built without git.
"""

import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

_CHECKOUT: Final = Path(__file__).resolve().parents[1]
_GIT_SECONDS: Final = 5


@cache
def build_version(checkout: Path = _CHECKOUT) -> str:
    """Asked once in each process: git takes some milliseconds. Without git, or from a wheel: the package's alone."""
    package = version("throughline")
    if not (checkout / ".git").exists() or not (checkout / "pyproject.toml").exists():
        return package
    # --exclude: the commit itself, whatever tags there are. .dirty: the files are not those of the commit.
    command = ("git", "describe", "--always", "--exclude=*", "--abbrev=7", "--dirty=.dirty")
    try:
        answer = subprocess.run(  # noqa: S603 - our own words
            command, cwd=checkout, capture_output=True, text=True, timeout=_GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return package
    return f"{package}+g{answer.stdout.strip()}"
