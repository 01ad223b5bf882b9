"""Prints docs/chart-values.md: each value of the chart, its default and what it means, from values.yaml's comments."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

_LINE: Final = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z][A-Za-z0-9]*):(?P<value> .*)?")
_DESCRIPTION: Final = "# -- "


@dataclass(frozen=True)
class Value:
    """One value that a user may set, by its path in values.yaml."""

    path: tuple[str, ...]
    default: Any
    description: str


def values(text: str) -> list[Value]:
    """All of values.yaml. One without a comment means what the nearest above of the same name does."""
    defaults = yaml.safe_load(text)
    found: list[Value] = []
    for path, description in _leaves(text.splitlines()):
        default = defaults
        for key in path:
            default = default[key]
        found.append(Value(path, default, description or _of_the_same_name(path, found)))
    return found


def _leaves(lines: list[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The paths whose value stands on their own line, each with the comment above it."""
    path: list[str] = []
    description = ""
    for line in lines:
        stripped = line.strip()
        if stripped.startswith(_DESCRIPTION):
            description = stripped.removeprefix(_DESCRIPTION)
        elif found := _LINE.fullmatch(line):
            path[len(found["indent"]) // 2 :] = [found["key"]]
            if (found["value"] or "").split(" #")[0].strip():
                yield tuple(path), description
            description = ""


def _of_the_same_name(path: tuple[str, ...], above: list[Value]) -> str:
    """`size` of one volume is that of another: the more of the path is the same, the surer."""
    for length in range(len(path) - 1, 0, -1):
        for value in reversed(above):
            if value.path[-length:] == path[-length:]:
                return value.description
    return ""


def values_page(text: str, note: str) -> str:
    """The page, with a table for each part."""
    parts: dict[str, list[Value]] = {"Everything": []}
    for value in values(text):
        parts.setdefault(value.path[0] if len(value.path) > 1 else "Everything", []).append(value)
    lines = ["# Values of the chart", note, "", _INTRODUCTION]
    for part, described in parts.items():
        lines += ["", f"## {part}", "", "| value | default | meaning |", "| --- | --- | --- |", *map(_row, described)]
    return "\n".join([*lines, ""])


def _row(value: Value) -> str:
    default = json.dumps(value.default, ensure_ascii=False)
    return f"| `{'.'.join(value.path)}` | `{default}` | {value.description} |"


_INTRODUCTION: Final = (
    "`helm install throughline deploy/helm/throughline --set worker.replicas=6`, or a file of your own with "
    "`--values`. A wrong value is refused before anything is installed, with a line that names it. "
    "What goes into `settings` is in [settings.md](settings.md)."
)
