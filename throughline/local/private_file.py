"""Files that hold a password: readable by their owner only, from the first byte on."""

import os
from pathlib import Path


def write(path: Path, text: str) -> None:
    """Replaces the file as a whole, so that nobody reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
