"""libfaketime, where it is installed: programs that are not ours under a clock that is off."""

from pathlib import Path
from typing import Final

LIBRARY: Final = next((str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")
_CACHED: Final = "FAKETIME_CACHE_DURATION=100000"  # it reads its variables again after that, and NGINX clears them


def shifted(seconds: float, program: str) -> tuple[str, ...]:
    """The command that runs it so; its steady clock goes on as it is."""
    if not seconds:
        return (program,)
    return ("env", f"LD_PRELOAD={LIBRARY}", f"FAKETIME={seconds:+}", "FAKETIME_DONT_FAKE_MONOTONIC=1", _CACHED, program)
