"""`throughline workers`: what each worker is, runs and ran, and the latest deaths, as lines or as JSON."""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any, Final

from throughline.cli import service
from throughline.ledger.redis_clock import LIMIT_SECONDS, in_words

_SHOWN_DEATHS: Final = 10
_LATE_SECONDS: Final = 5.0  # a heartbeat comes every two
_OUTCOMES: Final = ("succeeded", "failed", "retried", "cancelled")


def workers(arguments: Namespace) -> int:
    """0 also when there are none: that is an answer."""
    address = service.url(arguments.url)
    with service.client(address) as client:
        seen = client.workers()
    if arguments.json:
        print(json.dumps(seen, ensure_ascii=False))
        return 0
    # Imported here: `--json` works where rich is not installed.
    from throughline.cli.terminal import hanging, terminal  # noqa: PLC0415

    console = terminal()
    for indent, line, style in lines(seen):
        for part in hanging(indent, line, console, style):
            console.print(part, no_wrap=True, crop=False, overflow="ignore")
    return 0


def lines(seen: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each with its indentation and its style."""
    now = seen["now"]
    if not seen["workers"]:
        yield "", "No worker was seen within the last five minutes.", "red"
    for worker in seen["workers"]:
        word, style = _state(worker, now)
        facts = [f"{len(worker['running'])} of {worker['slots']} busy", _memory(worker), _up(worker, now)]
        yield "", ", ".join([f"{worker['name']}  {word}", *filter(None, [*facts, worker.get("version")])]), style
        yield "  ", _ran(worker["ran"]), ""
        for task in worker["running"]:
            named = f" {task['task_id']}" if "task_id" in task else ""
            yield "  ", f"runs {task['task_type']}{named} for {_whole(now - task['since'])}", ""
    for clock in seen.get("clocks", ()):  # an api of an earlier version tells none
        if abs(ahead := clock["offset_ms"] / 1000) > LIMIT_SECONDS:
            yield "", f"The clock of {clock['node']} is {in_words(ahead)}.", "yellow"
    if seen["deaths"]:
        yield "", "Latest deaths:", ""
    for death in seen["deaths"][:_SHOWN_DEATHS]:
        who = f"process {death['process']} of {death['worker']}" if "process" in death else death["worker"]
        ran = ", ".join(" ".join(filter(None, (each.get("task_type"), each.get("task_id")))) for each in death["tasks"])
        what = f"; it ran {ran}" if ran else ""
        yield "  ", f"{_whole(now - death['at'])} ago: {who} {death['cause']}{what}", ""


def _state(worker: Mapping[str, Any], now: float) -> tuple[str, str]:
    silent = now - worker["last_seen_at"]
    if not worker["alive"]:
        return f"lost, last sign of life {_whole(silent)} ago", "red"
    if silent > _LATE_SECONDS:
        return f"silent, last sign of life {_whole(silent)} ago", "yellow"
    if "stalled_since" in worker:
        return f"stalled, has taken nothing for {_whole(now - worker['stalled_since'])} though tasks wait", "yellow"
    return "alive", ""


def _ran(ran: Mapping[str, int]) -> str:
    outcomes = ", ".join(f"{ran[name]:,} {name}" for name in _OUTCOMES if ran[name])
    number = ran["lost_processes"]
    lost = f"; {number:,} {'process' if number == 1 else 'processes'} lost" if number else ""
    return f"ran {ran['total']:,}{f': {outcomes}' if outcomes else ''}{lost}"


def _memory(worker: Mapping[str, Any]) -> str:
    return f"{worker['memory_bytes'] / 1024**2:,.0f} MB" if "memory_bytes" in worker else ""


def _up(worker: Mapping[str, Any], now: float) -> str:
    return f"up for {_whole(now - worker['started_at'])}" if "started_at" in worker else ""


def _whole(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
