"""Prints docs/settings.md and docs/vocabulary.md from what they describe: `python -m local.reference`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from throughline.settings import Settings
from throughline.telemetry import vocabulary

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
_NOTE: Final = "<!-- Printed by `make docs`; change the source, not this file. -->"


def settings_page() -> str:
    """The table of environment variables, from the settings class."""
    rows = [
        (f"`{name.upper()}`", _shown(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    intro = (
        "Every setting is an environment variable. A wrong one ends the process before it starts, with one line that "
        "names it. `uvicorn api.main:app`, `celery -A worker.app worker` and `python -m monitor` need no more than "
        "`REDIS_URL`."
    )
    return "\n".join(["# Settings", _NOTE, "", intro, "", *_table(("variable", "default", "meaning"), rows), ""])


def vocabulary_page() -> str:
    """The fields, events, spans and metrics, from vocabulary.yaml."""
    return "\n".join(["# Vocabulary", _NOTE, "", *_vocabulary_sections()])


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


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value in (None, "") else str(value)


def main() -> None:
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
    (DOCS / "vocabulary.md").write_text(vocabulary_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
