"""`throughline up`, `status`, `down`, `start`, `stop`, `restart`: the nine processes of this checkout."""

from argparse import Namespace

from rich.console import Console

from throughline.cli.command_name import command_name
from throughline.local import change, rolling
from throughline.local import down as ending
from throughline.local import up as starting
from throughline.local.display import table
from throughline.local.health import check, warnings
from throughline.local.run import CannotRun, Run
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
    change.start(_running(), arguments.names, Console(highlight=False))
    return 0


def stop(arguments: Namespace) -> int:
    run = _running()
    change.stop(run, arguments.names)
    print(
        f"Stopped: {', '.join(arguments.names)}. `{command_name()} start {' '.join(arguments.names)}` brings them back."
    )
    return 0


def restart(arguments: Namespace) -> int:
    run = _running()
    rolling.restart(run, arguments.names or run.names, Console(highlight=False))
    return 0


def _running() -> Run:
    run = starting.running()
    if run is None:
        raise CannotRun("Throughline is not running here: `make up` starts it.")
    return run


def _print_status(run: Run, console: Console) -> bool:
    rows = check(run, Supervisor(run.socket).processes(), run.names)
    console.print(table(rows))
    for each in warnings(run):
        console.print(f"Warning: a 201 promises less than it should: {each}.")
    return all(row.ok for row in rows)
