"""What a submission costs in the api's own code, whole and without each of its parts; the HTTP server is left out."""

import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final

from redis import Redis

from tests.bench.api_server import empty_redis
from tests.bench.in_process import WITHOUT

ROOT: Final = Path(__file__).resolve().parents[2]
ROUNDS: Final = 3
REQUESTS: Final = 1_000
_ANSWER: Final = re.compile(r": ([\d.]+) ms")


def main() -> None:
    """`python -m tests.bench.bench_in_process [--nginx] [ROUNDS]`."""
    options = [each for each in sys.argv[1:] if each.startswith("--")]
    rounds = next((int(each) for each in sys.argv[1:] if each.isdecimal()), ROUNDS)
    measured: dict[str, list[float]] = {variant: [] for variant in WITHOUT}
    with empty_redis() as redis_url:
        for _ in range(rounds):  # in turns, each in a process of its own
            for variant in WITHOUT:
                measured[variant].append(_milliseconds(variant, redis_url, options))
    print(f"{REQUESTS:,} submissions, eight at a time, medians of {rounds} rounds in turns")
    print("| | processor time a request | least |\n| --- | --- | --- |")
    for variant, each in measured.items():
        print(f"| {variant.replace('-', ' ')} | {statistics.median(each):.3f} ms | {min(each):.3f} ms |")


def _milliseconds(variant: str, redis_url: str, options: list[str]) -> float:
    with Redis.from_url(redis_url) as client:
        client.flushall()
    command = [sys.executable, "-m", "tests.bench.in_process", variant, "--redis-url", redis_url]
    done = subprocess.run(
        [*command, "--requests", str(REQUESTS), *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode or not (found := _ANSWER.search(done.stdout)):
        sys.exit(f"{variant} failed:\n{done.stderr[-3000:]}")
    return float(found[1])


if __name__ == "__main__":
    main()
