"""PYTHONPATH for processes that run in another folder than the one in which they are started."""

import os
from pathlib import Path


def absolute(python_path: str, folder: Path) -> str:
    """Relative entries (and empty ones, which are the folder itself) are those of `folder`."""
    return os.pathsep.join(str(folder / entry) for entry in python_path.split(os.pathsep)) if python_path else ""
