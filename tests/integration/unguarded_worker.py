"""The same worker without the guard of worker/patches/connection_loss.py. For tests alone."""

from worker.patches import connection_loss

connection_loss.install = lambda: None

import tests.integration.faulty_worker  # noqa: E402, F401
from worker.app import app  # noqa: E402, F401
