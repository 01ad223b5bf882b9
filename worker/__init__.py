"""The Celery workers: take messages from Redis, calculate, store the results."""

import os

from throughline.telemetry import first

# Before numpy is imported: four processes share the cores already, and a sum's last bits depend on the thread count.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

first.settle()
