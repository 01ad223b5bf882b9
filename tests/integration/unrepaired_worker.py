"""The same worker without worker/patches/full_redis.py and refused_writes.py. For tests alone."""

from worker.patches import full_redis, refused_writes

full_redis.install = refused_writes.install = lambda: None

import tests.integration.faulty_worker  # noqa: E402, F401
from worker.app import app  # noqa: E402, F401
