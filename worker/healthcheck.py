"""`python -m worker.healthcheck`: 0 while this worker's own heartbeat in Redis is recent."""

import os
import sys

from redis import Redis

from throughline import redis_url
from throughline.ledger import keys


def main() -> int:
    """Reads the environment itself: the settings class would take longer than the check."""
    url = redis_url.normalised(os.environ.get("REDIS_URL") or redis_url.DEFAULT)
    with Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as redis:
        beat = redis.zscore(keys.WORKERS, os.environ["SERVICE_NODE_NAME"])
        now, _ = redis.time()
    return int(not isinstance(beat, float) or beat < now - keys.WORKER_ALIVE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
