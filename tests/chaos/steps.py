"""Of what faults are made: each step breaks something of the nine, and `together` and `after` combine them."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, TypeVar

from tests.chaos.traffic import Traffic
from tests.history_away import taken_away
from tests.system.nine import Nine
from throughline.local import session
from throughline.local.supervisor import Supervisor

_Found = TypeVar("_Found")
Step = Callable[[Nine, Traffic], None]

WORKERS: Final = ("worker-1", "worker-2", "worker-3")
REPLICAS: Final = ("fastapi-1", "fastapi-2", "fastapi-3")
_SECONDS: Final = 600  # of a machine that is busy with much else


def wait(condition: Callable[[], _Found], what: str) -> _Found:
    """What the condition returned when it was true."""
    deadline = time.monotonic() + _SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"after {_SECONDS} s still not so: {what}"
        time.sleep(0.05)
    return found


def main_process(nine: Nine, name: str) -> int:
    """Waits for one that just starts again."""
    return wait(lambda: nine.pids()[name] or 0, f"{name} runs")


def kill_now(nine: Nine, *names: str) -> None:
    """`kill -9`, all at the same moment. Of a worker its main process first, so that none of the others is missed."""
    _send(signal.SIGKILL, [pid for name in names for pid in _pids(nine, name)])


def kill(*names: str) -> Step:
    return lambda nine, _: kill_now(nine, *names)


def kill_processes_of(*workers: str) -> Step:
    """Those that run the tasks; the workers' main processes stay."""

    def step(nine: Nine, _: Traffic) -> None:
        _send(signal.SIGKILL, [pid for name in workers for pid in _worker_processes(nine, name)])

    return step


def kill_some_processes(times: int, longest_pause: float = 0.3) -> Step:
    """One after another at random moments, each of a worker chosen at random."""

    def step(nine: Nine, traffic: Traffic) -> None:
        for _ in range(times):
            _kill_a_process(nine, random.choice(WORKERS))
            time.sleep(random.uniform(0, longest_pause))

    return step


def _kill_a_process(nine: Nine, worker: str) -> None:
    """A worker that has just begun has none yet."""
    processes = wait(lambda: _worker_processes(nine, worker), f"{worker} has processes")
    _send(signal.SIGKILL, [random.choice(processes)])


def freeze(seconds: float, *names: str) -> Step:
    def step(nine: Nine, _: Traffic) -> None:
        pids = [pid for name in names for pid in _pids(nine, name)]
        _send(signal.SIGSTOP, pids)
        try:
            time.sleep(seconds)
        finally:
            _send(signal.SIGCONT, pids)

    return step


def stop(seconds: float, *names: str) -> Step:
    """In the ordinary way, and started again."""

    def step(nine: Nine, _: Traffic) -> None:
        assert nine.run("stop", *names).returncode == 0
        time.sleep(seconds)
        assert nine.run("start", *names).returncode == 0

    return step


def restart(*names: str) -> Step:
    """One after the other; all nine without names. It may fail, in words, where something else is broken too."""

    def step(nine: Nine, _: Traffic) -> None:
        done = nine.run("restart", *names)
        assert "Traceback" not in done.stderr, done.stderr

    return step


def history_away(seconds: float) -> Step:
    def step(nine: Nine, _: Traffic) -> None:
        with taken_away(nine.var_dir / "history.sqlite"):
            time.sleep(seconds)

    return step


def after(seconds: float, step: Step) -> Step:
    return in_order(lambda nine, traffic: time.sleep(seconds), step)


def in_order(*steps: Step, pause: float = 0) -> Step:
    def step(nine: Nine, traffic: Traffic) -> None:
        for each in steps:
            each(nine, traffic)
            time.sleep(pause)

    return step


def together(*steps: Step) -> Step:
    """All begin at the same moment; ends with the last of them."""

    def step(nine: Nine, traffic: Traffic) -> None:
        with ThreadPoolExecutor(len(steps)) as threads:
            for running in [threads.submit(each, nine, traffic) for each in steps]:
                running.result()

    return step


def _pids(nine: Nine, name: str) -> list[int]:
    return [main_process(nine, name), *(_worker_processes(nine, name) if name in WORKERS else [])]


def _worker_processes(nine: Nine, name: str) -> list[int]:
    main = main_process(nine, name)
    leader = Supervisor(nine.recorded.socket).pid()
    assert leader is not None
    parents = _parents()
    return [pid for pid in session.members(leader) if parents.get(pid) == main]


def _parents() -> dict[int, int]:
    done = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=True)
    return {int(pid): int(parent) for pid, parent in map(str.split, done.stdout.splitlines())}


def _send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # it ended meanwhile, by another step of the same fault
            os.kill(pid, number)
