"""Each value of the chart is described, and known to its schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from throughline.local.chart_settings import CHART
from throughline.local.chart_values import values

TEXT = (CHART / "values.yaml").read_text(encoding="utf-8")
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


def leaves(mapping: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in mapping.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


PATHS = list(leaves(yaml.safe_load(TEXT)))


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found = SCHEMA
        for key in schema["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        schema = found
    return schema


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_value_is_described_or_what_holds_it_is(path):
    described = {value.path for value in values(TEXT) if value.description}

    assert any(path[:length] in described for length in range(1, len(path) + 1)), "a `# --` line above it is missing"


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_value_is_known_to_the_schema(path):
    schema: Mapping[str, Any] = SCHEMA
    for key in path:
        schema = resolved(schema)
        assert key in schema["properties"], f"values.schema.json lacks {'.'.join(path)}"
        schema = schema["properties"][key]


def objects(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for each in schema.values():
            yield from objects(each)


def test_a_typo_is_refused_wherever_it_is():
    found = list(objects(SCHEMA))

    assert len(found) > 30
    assert [each for each in found if each.get("additionalProperties") is not False] == []
