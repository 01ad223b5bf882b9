"""Prints the reference pages and what the chart knows of the settings: `python -m throughline.local.reference`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from throughline.local import chart_settings
from throughline.local.chart_settings import CHART
from throughline.local.chart_values import values_page
from throughline.local.states_page import states_page
from throughline.settings import LocalSettings, together
from throughline.settings.command import CommandSettings
from throughline.settings.environment import EnvironmentSettings
from throughline.telemetry import vocabulary

_TOP: Final = Path(__file__).resolve().parents[2]
DOCS: Final = _TOP / "docs"
NOTE: Final = "<!-- Printed by `make docs`; change the source, not this file. -->"


_READERS: Final[Mapping[str, type[EnvironmentSettings]]] = {
    **chart_settings.READERS,
    "local run": LocalSettings,
    "command": CommandSettings,
}


def settings_page() -> str:
    """The table of environment variables, from the settings classes."""
    fields = {name: field for reader in _READERS.values() for name, field in reader.model_fields.items()}
    rows = [
        (f"`{name.upper()}`", _shown(field.default), _readers(name), field.description or "")
        for name, field in fields.items()
    ]
    intro = (
        "Every setting is an environment variable; each process reads its own. A wrong one ends the process before it "
        "starts, with one line that names it, and so do two that do not go together. `uvicorn api.main:app`, "
        "`celery -A worker.app worker` and `python -m monitor` need no more than `REDIS_URL`. A local run and the "
        "stack pass on what is set in the shell (the stack: or in `.env`) to the processes that read it."
    )
    header = ("variable", "default", "read by", "meaning")
    pairs = [
        (f"`{order.smaller.upper()}`", order.relation, f"`{order.larger.upper()}`", order.otherwise)
        for order in together.ORDERS
    ]
    titles = ("this", "must be", "that", "or else")
    settings, fits = _table(header, rows), _table(titles, pairs)
    return "\n".join(["# Settings", NOTE, "", intro, "", *settings, "", "## Which go together", "", *fits, ""])


def _readers(name: str) -> str:
    return ", ".join(reader for reader, settings in _READERS.items() if name in settings.model_fields)


def vocabulary_page() -> str:
    """The fields, events, spans and metrics, from vocabulary.yaml."""
    return "\n".join(["# Vocabulary", NOTE, "", *_vocabulary_sections()])


def _vocabulary_sections() -> Iterator[str]:
    words = vocabulary.load()
    for section, columns in {
        "fields": ("type", "means"),
        "events": ("by", "level", "means"),
        "spans": ("by", "kind", "means"),
        "span_attributes": ("type", "means"),
        "metrics": ("kind", "unit", "attributes", "means"),
    }.items():
        yield f"## {section.replace('_', ' ').capitalize()}"
        yield ""
        rows = [(f"`{name}`", *(_shown(word[column]) for column in columns)) for name, word in words[section].items()]
        yield from _table(("name", *columns), rows)
        yield ""
    yield "## Phases of the calculations"
    yield ""
    yield "Spans below `run {task_type}`, by worker, internal. A task of your own names its phases itself."
    yield ""
    phases = yaml.safe_load((_TOP / "risk" / "vocabulary.yaml").read_text(encoding="utf-8"))["phases"]
    yield from _table(("name", "means"), [(f"`{name}`", means) for name, means in phases.items()])
    yield ""


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value in (None, "") else str(value)


def written() -> dict[Path, str]:
    """Everything that `make docs` writes from these sources, by its path."""
    return {
        DOCS / "settings.md": settings_page(),
        DOCS / "vocabulary.md": vocabulary_page(),
        DOCS / "states.md": states_page(NOTE),
        DOCS / "chart-values.md": values_page((CHART / "values.yaml").read_text(encoding="utf-8"), NOTE),
        CHART / "files" / "settings.json": chart_settings.settings_file(),
        CHART / "values.schema.json": chart_settings.schema_file((CHART / "values.schema.json").read_text("utf-8")),
    }


def main() -> None:
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
