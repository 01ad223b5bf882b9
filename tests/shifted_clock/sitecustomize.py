"""Shifts a Python process's wall clock by CLOCK_SHIFT_SECONDS: with this folder in PYTHONPATH, before all imports.

The steady clock goes on as it is. `datetime.now()` reads the system's clock by itself, and is not shifted.
"""

import os
import time

_SHIFT = float(os.environ.get("CLOCK_SHIFT_SECONDS", "0"))
_SHIFT_NS = round(_SHIFT * 1e9)
_time, _time_ns = time.time, time.time_ns

time.time = lambda: _time() + _SHIFT
time.time_ns = lambda: _time_ns() + _SHIFT_NS
