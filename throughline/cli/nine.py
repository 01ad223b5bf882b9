"""`throughline up`, `status`, `down`, `start`, `stop`, `restart`: the nine processes of this checkout."""

import signal
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from rich.console import Console

from throughline.cli.command_name import command_name
from throughline.local import change, lock, rolling
from throughline.local import down as ending
from throughline.local import up as starting
from throughline.local.display import table
from throughline.local.health import check, warnings
from throughline.local.run import CannotRun, Run, var_dir
from throughline.local.supervisor import Supervisor


def up(_: Namespace) -> int:
    console = Console(highlight=False)
    run = starting.up(console)
    if not console.is_terminal:  # on a terminal the progress has become the table
        _print_status(run, console)
    console.print(f"Throughline is up at {run.url} · `make down` ends it.")
    return 0


def down(_: Namespace) -> int:
    console = Console(highlight=False)
    console.print("Throughline has ended." if ending.down(console) else "Throughline was not running.")
    return 0


def status(_: Namespace) -> int:
    """1 when a process is not healthy."""
    return 0 if _print_status(_running(), Console(highlight=False)) else 1


def start(arguments: Namespace) -> int:
    with _changing("start") as run:
        change.start(run, arguments.names, Console(highlight=False))
    return 0


def stop(arguments: Namespace) -> int:
    with _changing("stop") as run:
        change.stop(run, arguments.names)
    print(
        f"Stopped: {', '.join(arguments.names)}. `{command_name()} start {' '.join(arguments.names)}` brings them back."
    )
    return 0


def restart(arguments: Namespace) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # what was begun is undone, as after Ctrl-C
    with _changing("restart") as run:
        rolling.restart(run, arguments.names or run.names, Console(highlight=False))
    return 0


@contextmanager
def _changing(command: str) -> Iterator[Run]:
    """The run, which no other command changes meanwhile; what a killed one has left undone is put right."""
    _running()
    with lock.held(var_dir(), command):
        run = _running()
        rolling.put_right(run)
        yield run


def _running() -> Run:
    run = starting.running()
    if run is None and ending.left_behind(var_dir()):
        raise CannotRun(
            "supervisord, which keeps the processes running, has ended without them: `make up` starts all anew, "
            "`make down` ends them."
        )
    if run is None:
        raise CannotRun("Throughline is not running here: `make up` starts it.")
    return run


def _print_status(run: Run, console: Console) -> bool:
    rows = check(run, Supervisor(run.socket).processes(), run.names)
    restarting = rolling.unfinished(run)
    if restarting in run.replicas and len(run.replicas) > 1:
        rows = [replace(row, word="drained") if row.ok and row.name == restarting else row for row in rows]
    console.print(table(rows))
    for each in warnings(run):
        console.print(f"Warning: {each}", soft_wrap=True)
    if restarting is not None:
        at_work = lock.holder(run.folder)
        hint = f"{at_work} is at work on it" if at_work else "a restart was killed; `make up` puts it right"
        console.print(f"{restarting}: {hint}.")
    return all(row.ok for row in rows)
