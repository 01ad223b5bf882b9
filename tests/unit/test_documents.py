"""What the documents name is there: files, folders, the pages and headings that they link to."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "dashboards" / "README.md", *sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
# Code of our own begins with one of these; `var/log` is not there before a run, `/api/v1` is not a file.
FOLDERS = (
    *("api", "dashboards", "deploy", "docs", "monitor", "nginx"),
    *("observability", "risk", "tests", "throughline", "worker"),
)
FILE = re.compile(r"[\w.*/-]+\.(py|lua|md|ya?ml|json|ndjson|sh|conf|toml|template|html|lock)")
BLOCK = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)


def words_in_code(text: str) -> Iterator[str]:
    for code in re.findall(r"`([^`\n]+)`", BLOCK.sub("", text)):
        yield from code.split()


def paths(text: str) -> set[str]:
    """The words that can only be files or folders of this repository."""
    return {
        word
        for word in words_in_code(text)
        if not re.search(r"[<>{}$=:…]", word)
        and not word.startswith(("var/", "/", "."))
        and (FILE.fullmatch(word) or (word.partition("/")[0] in FOLDERS and "/" in word))
    }


@cache
def every_file() -> set[Path]:
    ours = [*ROOT.glob("*"), *ROOT.glob(".ci/*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    return {path.relative_to(ROOT) for path in ours}


def exists(word: str, document: Path) -> bool:
    """From the top, beside the document, or, for a name without a folder, wherever it is."""
    if "/" not in word:
        return any(path.match(word) for path in every_file())
    return any(any(folder.glob(word.rstrip("/"))) for folder in (ROOT, document.parent))


def anchors(page: Path) -> set[str]:
    """The headings as GitHub turns them into the part of a link after `#`."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> set[str]:
    targets = re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", text))
    return {target for target in targets if not re.match(r"[a-z]+:", target)}


def broken(target: str, document: Path) -> bool:
    place, _, heading = target.partition("#")
    page = (document.parent / place).resolve() if place else document
    return not page.exists() or (bool(heading) and heading not in anchors(page))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_is_there(document: Path):
    text = document.read_text(encoding="utf-8")
    assert sorted(word for word in paths(text) if not exists(word, document)) == []
    assert sorted(target for target in links(text) if broken(target, document)) == []


def test_a_file_a_page_or_a_heading_that_is_missing_is_found():
    here = ROOT / "README.md"
    code = "`api/mian.py`, `python -m nothing api/main.py`, `no_such.lua`, `/api/v1`"
    text = f"{code}, [a](docs/no.md), [b](docs/operations.md#no)"
    assert {word for word in paths(text) if not exists(word, here)} == {"api/mian.py", "no_such.lua"}
    assert {target for target in links(text) if broken(target, here)} == {"docs/no.md", "docs/operations.md#no"}
