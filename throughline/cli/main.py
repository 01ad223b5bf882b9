"""The `throughline` command: its arguments, and which module answers each."""

import argparse
import errno
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from throughline.local.run import CannotRun, unusable, var_dir
from throughline.profile.explanation import EXPLANATION

# Commands import what they need when they are called: `throughline journey` must answer at once, and `throughline
# submit` runs where only the client is installed.
_LOCAL_EXTRA: Final = {"rich", "supervisor"}

_URL: Final = "where Throughline answers (default: THROUGHLINE_URL, else the local run); the key: THROUGHLINE_API_KEY"
_MOMENT: Final = "how long ago (15m, 1h, 7d) or a time such as 2026-11-25T14:00:00Z"
_EXAMPLES: Final = """\
examples:
  throughline up
  throughline submit calculate_var --data '{"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150}]}' --wait
  throughline journey ULTIMATE-SUCCESS-123 --logs
  throughline tasks --status FAILURE --since 1h
  throughline tasks replay --error ConnectionError --since 1h --why "the feed is back"
  throughline logs --follow --level warning
  throughline restart worker-2
"""


def main() -> int:
    arguments = _parser().parse_args()
    try:
        command = getattr(import_module(arguments.module), arguments.function)
        code = int(command(arguments))
        sys.stdout.flush()  # here, where what goes wrong is told
        return code
    except ModuleNotFoundError as missing:
        if missing.name not in _LOCAL_EXTRA:
            raise
        print(_needs(missing.name, arguments.command), file=sys.stderr)
        return 1
    except CannotRun as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. `throughline status` shows what runs, `make down` ends it.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `throughline … | head`
        _say_no_more()
        return 0
    except OSError as error:
        print(_told(error), file=sys.stderr)
        return 1


def _told(error: OSError) -> str:
    """The line for what a file has refused; any other error is raised again."""
    if var := _own_folder(error):
        return unusable(var, error)
    if error.errno != errno.ENOSPC:
        raise error
    _say_no_more()
    return f"The output cannot be written: {error.strerror}."


def _own_folder(error: OSError) -> Path | None:
    """VAR_DIR, if it is a file in it, or the folder itself, that cannot be read or written."""
    if not isinstance(error.filename, str):
        return None
    var = var_dir()
    path = Path(error.filename)
    return var if path == var or path.is_relative_to(var) or var.is_relative_to(path) else None


def _say_no_more() -> None:
    """What is left in the buffer would fail once more at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _needs(package: str, command: str) -> str:
    return f"`throughline {command}` needs {package}, which comes with: pip install 'throughline[local]'"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="throughline",
        description="Runs Throughline on this machine, submits tasks to it, and shows where a request spent its time.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)

    for name, meaning in {
        "up": "start the nine processes and wait until all are healthy",
        "status": "show process, port, pid and health",
        "down": "end all of them",
    }.items():
        commands.add_parser(name, help=meaning).set_defaults(module="throughline.cli.nine", function=name)

    for name, meaning in {
        "stop": "stop some of them, to see what the others do without",
        "start": "start those again",
        "restart": "stop and start, one after the other and losing no request; without names, all nine",
    }.items():
        change = commands.add_parser(name, help=meaning)
        change.add_argument(
            "names",
            nargs="*" if name == "restart" else "+",
            metavar="NAME",
            help="such as fastapi-2, worker-1 or redis",
        )
        change.set_defaults(module="throughline.cli.nine", function=name)

    demo = commands.add_parser("demo", help="start the nine, send a task, show its journey")
    demo.add_argument("--id", default="ULTIMATE-SUCCESS-123", help="the request's correlation ID (%(default)s)")
    demo.set_defaults(module="throughline.cli.demo", function="demo")

    submit = commands.add_parser("submit", help="submit a task")
    submit.add_argument("task_type", help="such as calculate_var")
    submit.add_argument("--data", required=True, help="the task's data: JSON, @FILE, or - for standard input")
    submit.add_argument("--priority", help="high, medium or low (default: what the service takes)")
    submit.add_argument("--id", help="correlation ID (default: one is made)")
    submit.add_argument("--wait", action="store_true", help="wait for the result")
    submit.add_argument("--url", help=_URL)
    submit.set_defaults(module="throughline.cli.submit", function="submit")

    _add_tasks(commands)

    _add_workers(commands)

    key = commands.add_parser("api-key", help="make an API key and print its line for API_KEYS_FILE")
    key.add_argument("name", help="the caller that it is for")
    key.add_argument("--scopes", default="submit,read", help="of submit, read, admin (%(default)s)")
    key.set_defaults(module="throughline.cli.api_key", function="api_key")

    journey = commands.add_parser("journey", help="show where the requests of a correlation ID spent their time")
    journey.add_argument("id", help="such as ULTIMATE-SUCCESS-123")
    journey.add_argument("--task", default="", metavar="ID", help="of this task only")
    journey.add_argument("--all", action="store_true", help="every task in full; of many there is a summary first")
    journey.add_argument("--logs", action="store_true", help="show the log lines too")
    journey.add_argument("--json", action="store_true", help="print it as JSON")
    journey.set_defaults(module="throughline.cli.main", function="journey")

    _add_logs(commands)

    circuit = commands.add_parser(
        "circuit", help="close the circuit breaker, which refuses new tasks while too many wait"
    )
    closing = circuit.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    close = closing.add_parser("close", help="close it before its wait is over: new tasks are taken again")
    _add_confirmation(close)
    close.set_defaults(module="throughline.cli.circuit", function="close")

    profile = commands.add_parser(
        "profile",
        help="show where the time of many tasks went, by task type and step",
        description=f"Where the time of many tasks went, by task type and step. {EXPLANATION}",
    )
    profile.add_argument("--since", default="1h", help=f"where to begin: {_MOMENT} (%(default)s)")
    profile.add_argument("--until", help="where to end, in the same words (default: now)")
    profile.add_argument("--task-type", default="", help="of this type of task only")
    profile.add_argument("--json", action="store_true", help="print it as JSON")
    profile.set_defaults(module="throughline.cli.profile", function="profile")

    errors = commands.add_parser("errors", help="show what tasks failed with, like with like")
    errors.add_argument("--since", default="1h", help=f"where to begin: {_MOMENT} (%(default)s)")
    errors.add_argument("--until", help="where to end, in the same words (default: now)")
    errors.add_argument("--task-type", default="", help="of this type of task only")
    errors.add_argument("--json", action="store_true", help="print it as JSON")
    errors.add_argument("--url", help=_URL)
    errors.set_defaults(module="throughline.cli.errors", function="errors")
    return parser


def _add_workers(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    workers = commands.add_parser("workers", help="show what each worker runs and ran, and why workers died")
    workers.add_argument("--json", action="store_true", help="as JSON, for programs")
    workers.add_argument("--url", help=_URL)
    workers.set_defaults(module="throughline.cli.workers", function="workers")


def _add_tasks(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tasks = commands.add_parser(
        "tasks", help="list tasks by state, time, duration, type, queue, worker or error; cancel, replay, resubmit them"
    )
    _add_filters(tasks)
    tasks.add_argument("--limit", default="50", help="at most so many (%(default)s)")
    tasks.add_argument("--json", action="store_true", help="print one JSON object a line, for jq")
    tasks.set_defaults(module="throughline.cli.tasks", function="tasks")
    actions = tasks.add_subparsers(title="actions", metavar="ACTION", dest="action")
    for name, meaning in {
        "cancel": "cancel tasks that have not ended",
        "replay": "put dead letters back into their queues",
        "resubmit": "submit tasks again with the same data, as new ones",
    }.items():
        action = actions.add_parser(
            name,
            help=meaning,
            argument_default=argparse.SUPPRESS,  # what stands before the action counts too
            description=f"{meaning.capitalize()}: those of the IDs, or all that the filters let through.",
        )
        action.add_argument("task_ids", nargs="*", metavar="ID", default=[], help="the task's")
        _add_filters(action, own=True)
        action.add_argument("--limit", default="200", help="at most so many (%(default)s)")
        _add_confirmation(action)
        action.set_defaults(module="throughline.cli.task_actions", function=name)


def _add_filters(tasks: argparse.ArgumentParser, *, own: bool = False) -> None:
    """`own`: of an action, whose defaults must not undo what was said before its name."""
    none: Any = argparse.SUPPRESS if own else None
    tasks.add_argument(
        "--status", action="append", default=none if own else [], help="such as FAILURE; several: FAILURE,REVOKED"
    )
    tasks.add_argument("--since", default=none, help=f"submitted since then: {_MOMENT}")
    tasks.add_argument("--until", default=none, help="submitted before then, in the same words")
    tasks.add_argument(
        "--slower-than", default=none, metavar="SPAN", help="from its submission to its end, or until now: 500ms, 90s"
    )
    tasks.add_argument("--task-type", default=none, help="such as calculate_var")
    tasks.add_argument("--queue", default=none, help="high, medium or low")
    tasks.add_argument("--worker", default=none, help="who made the latest attempt, such as worker-2")
    tasks.add_argument(
        "--error", default=none, metavar="CLASS", help="the exception that it failed with, such as ValueError"
    )
    tasks.add_argument("--correlation", default=none, metavar="ID", help="submitted under this correlation ID")
    tasks.add_argument("--order", default=none or "newest", help="newest or oldest first (newest)")
    tasks.add_argument("--url", default=none, help=_URL)


def _add_confirmation(action: argparse.ArgumentParser) -> None:
    action.add_argument("--why", default="", help="one line, logged with your key's name and kept with the task")
    action.add_argument("--yes", action="store_true", default=False, help="do not ask first")
    if "--url" not in action.format_help():
        action.add_argument("--url", help=_URL)


def _add_logs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    logs = commands.add_parser("logs", help="show log lines in the words of the journey; --follow shows new ones too")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with new lines until Ctrl-C")
    logs.add_argument("--correlation-id", metavar="ID", help="of this correlation ID")
    logs.add_argument("--task-id", metavar="ID", help="of this task")
    logs.add_argument("--level", help="from this level on: debug, info, notice, warning or error (default: all)")
    logs.add_argument(
        "--service",
        help="of nginx, api, worker or monitor, or of one instance, such as worker-2; pages and probes only so",
    )
    logs.add_argument("--since", help=f"where to begin: {_MOMENT} (default: 10m; 7d for one ID)")
    logs.add_argument("--json", action="store_true", help="print the lines as they were written")
    logs.set_defaults(module="throughline.cli.logs", function="logs")


def journey(arguments: argparse.Namespace) -> int:
    drawing = import_module("throughline.cli.journey")
    wanted = drawing.Wanted(arguments.task, arguments.all, arguments.logs)
    return int(drawing.journey(arguments.id, var_dir(), wanted, as_json=arguments.json))
