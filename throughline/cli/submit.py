"""`throughline submit`: sends one task, and waits for its result if told to."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
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
    for line in _why_failed(shown):
        print(line, file=sys.stderr)
    journey = f"{command_name()} journey " if service.is_local(address) else f"{address}/journeys/"
    print(f"its journey: {journey}{task.correlation_id}", file=sys.stderr)
    return 0 if shown["status"] in {Status.PENDING, Status.SUCCESS} and "error" not in shown else 1


def _why_failed(task: Mapping[str, Any]) -> Iterator[str]:
    """Its error, and why each attempt before the last one ended; nothing for a task that did not fail."""
    error, attempts = task.get("error") or {}, task.get("attempts") or []
    if not error:
        return
    after = f" after {len(attempts)} attempts" if len(attempts) > 1 else ""
    yield f"failed{after}: {': '.join(filter(None, (error.get('type'), error.get('message'))))}"
    for number, attempt in enumerate(attempts[:-1], start=1):
        yield f"  attempt {number} on {attempt['worker']}: {attempt.get('cause') or 'it ended'}"


def _data(argument: str) -> Any:
    try:
        if argument == "-":
            return json.load(sys.stdin)
        return json.loads(Path(argument[1:]).read_text(encoding="utf-8") if argument.startswith("@") else argument)
    except OSError as error:
        raise CannotRun(f"--data {argument}: {error.strerror}") from None
    except ValueError as error:
        raise CannotRun(f"--data is not JSON: {error}") from None
