"""`throughline submit`: sends one task, and waits for its result if told to."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from throughline.cli import service
from throughline.cli.command_name import command_name
from throughline.ledger.states import Status
from throughline.local.run import CannotRun

_RESULT_SECONDS: Final = 300


def submit(arguments: Namespace) -> int:
    """1 when the API refuses the task, when it fails, or when its result cannot be told."""
    address, data = service.url(arguments.url), _data(arguments.data)
    with service.client(address) as client:
        task = client.submit(arguments.task_type, data, priority=arguments.priority, correlation_id=arguments.id)
        shown = task.wait(_RESULT_SECONDS) if arguments.wait else task.submission
    print(json.dumps(shown, indent=2, ensure_ascii=False))
    journey = f"{command_name()} journey " if service.is_local(address) else f"{address}/journeys/"
    print(f"its journey: {journey}{task.correlation_id}", file=sys.stderr)
    return 0 if shown["status"] in {Status.PENDING, Status.SUCCESS} and "error" not in shown else 1


def _data(argument: str) -> Any:
    try:
        if argument == "-":
            return json.load(sys.stdin)
        return json.loads(Path(argument[1:]).read_text(encoding="utf-8") if argument.startswith("@") else argument)
    except OSError as error:
        raise CannotRun(f"--data {argument}: {error.strerror}") from None
    except ValueError as error:
        raise CannotRun(f"--data is not JSON: {error}") from None
