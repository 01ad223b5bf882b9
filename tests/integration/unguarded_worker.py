"""The same worker without the guard of worker/redis_guard.py. For tests alone."""

from worker import redis_guard

redis_guard.install = lambda: None

import tests.integration.faulty_worker  # noqa: E402, F401
from worker.app import app  # noqa: E402, F401
