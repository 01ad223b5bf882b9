"""`throughline submit`: sends one task, and waits for its result if told to."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

from throughline.cli import http_api
from throughline.cli.command_name import command_name
from throughline.ledger.states import Status
from throughline.local.run import CannotRun

_RESULT_SECONDS: Final = 300


def submit(arguments: Namespace) -> int:
    """1 when the API refuses the task, or when it fails."""
    task = {"task_type": arguments.task_type, "data": _data(arguments.data), "priority": arguments.priority}
    try:
        answer = http_api.submit(task, arguments.id)
        shown = http_api.result(answer.body["task_id"], _RESULT_SECONDS) if arguments.wait else answer.body
    except http_api.Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(json.dumps(shown, indent=2, ensure_ascii=False))
    print(f"its journey: {command_name()} journey {answer.correlation_id}", file=sys.stderr)
    return 0 if shown["status"] in {Status.PENDING, Status.SUCCESS} else 1


def _data(argument: str) -> Any:
    try:
        if argument == "-":
            return json.load(sys.stdin)
        return json.loads(Path(argument[1:]).read_text(encoding="utf-8") if argument.startswith("@") else argument)
    except OSError as error:
        raise CannotRun(f"--data {argument}: {error.strerror}") from None
    except ValueError as error:
        raise CannotRun(f"--data is not JSON: {error}") from None
