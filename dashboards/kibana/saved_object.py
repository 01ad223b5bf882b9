"""A Kibana saved object: what it is, what it says, and what it points at; as a line of an import file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

# The highest that Kibana 8.12 takes; later ones, 9 included, bring them up to their own. Without them an import fails.
_CORE_VERSION: Final = "8.8.0"
_VERSIONS: Final = {
    "index-pattern": "8.0.0",
    "search": "8.0.0",
    "visualization": "8.5.0",
    "lens": "8.9.0",
    "dashboard": "8.9.0",
}


@dataclass(frozen=True)
class SavedObject:
    """One object; `references` is name → what it points at."""

    type: str
    id: str
    attributes: Mapping[str, Any]
    references: Mapping[str, "SavedObject"] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return str(self.attributes["title"])

    def line(self) -> bytes:
        """As Kibana imports it. Sorted, so that a change of the source shows as no more than that in the file."""
        content = {
            "type": self.type,
            "id": self.id,
            "coreMigrationVersion": _CORE_VERSION,
            "typeMigrationVersion": _VERSIONS[self.type],
            "attributes": self.attributes,
            "references": [{"name": name, "type": to.type, "id": to.id} for name, to in self.references.items()],
        }
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def text(content: object) -> str:
    """JSON inside a JSON string: how Kibana keeps most of what it says."""
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()


def kql(query: str) -> dict[str, str]:
    """A query of Kibana's own language."""
    return {"query": query, "language": "kuery"}
