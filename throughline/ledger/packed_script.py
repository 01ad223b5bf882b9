"""A script's two commands as they go to Redis, packed by hiredis for those who send them past redis-py."""

from collections.abc import Sequence

from hiredis import pack_command

Argument = str | bytes | int | float


def call(sha: str, keys: Sequence[str], arguments: Sequence[Argument]) -> bytes:
    """Runs the script that Redis knows by this name."""
    return _packed("EVALSHA", sha, len(keys), *keys, *arguments)


def load(text: str) -> bytes:
    """Tells Redis the script."""
    return _packed("SCRIPT", "LOAD", text)


def _packed(*command: Argument) -> bytes:
    return pack_command(command)  # type: ignore[arg-type, no-any-return]  # its stub has a tuple of one
