"""`python -m dashboards.kibana.build`: writes the file that Kibana imports."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dashboards.kibana import journey, overview, searches, workers
from dashboards.kibana.data_views import BOTH, LINES, SPANS
from dashboards.kibana.saved_object import SavedObject

FILE: Final = Path(__file__).with_name("throughline.ndjson")


def everything() -> dict[tuple[str, str], SavedObject]:
    """All objects by type and ID, each after those that it points at."""
    roots = (LINES, SPANS, BOTH, searches.BY_CORRELATION_ID, searches.ERRORS)
    pages = (overview.page(), journey.page(), workers.page())
    return {(each.type, each.id): each for root in (*roots, *pages) for each in _with_all_it_needs(root)}


def content() -> bytes:
    """The file. One for all, since an import is whole or not at all."""
    return b"".join(each.line() for each in everything().values())


def _with_all_it_needs(root: SavedObject) -> Iterator[SavedObject]:
    for needed in root.references.values():
        yield from _with_all_it_needs(needed)
    yield root


if __name__ == "__main__":
    FILE.write_bytes(content())
