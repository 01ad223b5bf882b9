"""The numbers of a task's attempts as four places tell them: the API, its log lines, its spans, its journey."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from throughline.journey.intervals import uncovered

Numbers = list[dict[str, float]]

STEPS: Final = {"wait": "queue_wait_ms", "take": "take_ms", "run": "run_ms", "lost": "lost_ms"}
LONGEST_GAP_MS: Final = 25.0  # between two processes of a busy machine, each of which reads its clock
_SAME: Final = ("name", "parentSpanId", "startTimeUnixNano", "endTimeUnixNano")


def told_by_the_api(task: Mapping[str, Any]) -> Numbers:
    return [{name: each[name] for name in STEPS.values() if each.get(name) is not None} for each in task["attempts"]]


def told_by_lines(lines: Iterable[Mapping[str, Any]], task: Mapping[str, Any]) -> Numbers:
    """The one line that ends each attempt; `lines` are the task's."""
    ends = sorted(
        (line for line in lines if "attempt" in line and "duration_ms" in line), key=lambda line: line["attempt"]
    )
    told = [(line["attempt"], line["status"], line["worker"]) for line in ends]
    assert told == [(each["number"], each["outcome"], each["worker"]) for each in task["attempts"]]
    names = {name: name for name in STEPS.values()} | {"run_ms": "duration_ms"}
    return [{name: line[field] for name, field in names.items() if field in line} for line in ends]


def told_by_spans(spans: Iterable[Mapping[str, Any]], task: Mapping[str, Any]) -> Numbers:
    """Of each span once, whoever wrote it: `spans` are the task's."""
    found: dict[str, Mapping[str, Any]] = {}
    for span in spans:
        same = found.setdefault(span["spanId"], span)
        assert [span.get(name) for name in _SAME] == [same.get(name) for name in _SAME]
    numbers: Numbers = [{} for _ in task["attempts"]]
    for span in found.values():
        fields = {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}
        step = STEPS.get(span["name"].partition(" ")[0])
        if step and "phase" not in fields:
            took_ms = (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6
            numbers[int(fields["attempt"]) - 1][step] = round(took_ms, 3)
    return numbers


def without_a_parent(spans: Iterable[Mapping[str, Any]]) -> set[str]:
    """The names of spans whose parent nobody has written."""
    told = list(spans)
    known = {span["spanId"] for span in told}
    return {span["name"] for span in told if span.get("parentSpanId", "") not in known}


def gaps_ms(steps: Iterable[Mapping[str, Any]]) -> list[float]:
    """How long each stretch is in which a journey, as `--json` has its steps, says nothing of what went on."""
    taken = [(step["offset_ms"], step["offset_ms"] + step["duration_ms"]) for step in steps if step["role"] != "mark"]
    first, last = min(begin for begin, _ in taken), max(end for _, end in taken)
    return [end - begin for begin, end in uncovered((first, last), taken) if end - begin > LONGEST_GAP_MS]


def told_by_the_journey(steps: Iterable[Mapping[str, Any]]) -> Numbers:
    """As `throughline journey --json` has its steps, in their order: each wait begins an attempt."""
    numbers: Numbers = []
    for step in steps:
        if step["role"] == "wait":
            numbers.append({})
        if step["role"] in STEPS:
            numbers[-1][STEPS[step["role"]]] = step["duration_ms"]
    return numbers
