"""Kibana's saved objects as the repository holds them, with what they say taken out of its strings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

FILE: Final = Path(__file__).resolve().parents[1] / "dashboards" / "kibana" / "throughline.ndjson"


@dataclass(frozen=True)
class Saved:
    """One line of the file."""

    content: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.content["type"])

    @property
    def id(self) -> str:
        return str(self.content["id"])

    @property
    def title(self) -> str:
        return str(self.attributes["title"])

    @property
    def attributes(self) -> dict[str, Any]:
        found: dict[str, Any] = self.content["attributes"]
        return found

    @property
    def references(self) -> dict[str, tuple[str, str]]:
        """Name → type and ID of what is meant."""
        return {each["name"]: (each["type"], each["id"]) for each in self.content["references"]}

    @property
    def search_source(self) -> dict[str, Any]:
        return self.parsed(self.attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])

    @property
    def panels(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = orjson.loads(self.attributes["panelsJSON"])
        return found

    @property
    def layers(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.attributes["state"]["datasourceStates"]["formBased"]["layers"]
        return found

    @property
    def visualization(self) -> dict[str, Any]:
        return self.parsed(self.attributes["visState"])

    @property
    def data_view(self) -> "Saved":
        """What it searches; all of its references mean the same."""
        (meant,) = set(self.references.values())
        return by_key()[meant]

    @property
    def query(self) -> str:
        """Its own, in Kibana's language."""
        state = self.attributes["state"] if self.type == "lens" else self.search_source
        return str(state["query"]["query"])

    @property
    def runtime(self) -> dict[str, Any]:
        return self.parsed(self.attributes["runtimeFieldMap"])

    @staticmethod
    def parsed(text: str) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(text)
        return found

    def columns(self) -> Iterator[dict[str, Any]]:
        for layer in self.layers.values():
            yield from layer["columns"].values()

    @property
    def annotations(self) -> list[dict[str, Any]]:
        """What a chart marks on its time."""
        drawn = self.attributes["state"]["visualization"] if self.type == "lens" else {}
        return [mark for layer in drawn.get("layers", ()) for mark in layer.get("annotations", ())]

    def queries(self) -> Iterator[str]:
        """Its own and those of its columns and annotations, where it has any."""
        yield self.query
        if self.type == "lens":
            yield from (column["filter"]["query"] for column in self.columns() if "filter" in column)
            yield from (mark["filter"]["query"] for mark in self.annotations)

    def fields(self) -> set[str]:
        """Every field that it names."""
        named = {name for query in self.queries() for name in re.findall(r'([\w.@]+)"?\s*(?::|[<>]=?)', query)}
        if self.type == "lens":
            named |= {name for mark in self.annotations for name in (mark["timeField"], *mark["extraFields"])}
            return named | {column["sourceField"] for column in self.columns() if "sourceField" in column}
        return named | set(self.attributes["columns"]) | {field for field, _ in self.attributes["sort"]}


def all_saved() -> list[Saved]:
    return [Saved(orjson.loads(line)) for line in FILE.read_bytes().splitlines()]


@lru_cache(maxsize=1)
def by_key() -> dict[tuple[str, str], Saved]:
    return {(each.type, each.id): each for each in all_saved()}


def of_type(kind: str) -> list[Saved]:
    return [each for each in by_key().values() if each.type == kind]


def one(kind: str, own_id: str) -> Saved:
    return by_key()[kind, own_id]
