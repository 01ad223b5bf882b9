"""Every field, event and service that a saved object names is one that lines or spans have, of a fitting type.

Elasticsearch answers a query for a word that does not exist with nothing, and without an error.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from monitor.plane.templates import all_templates
from tests.saved_objects import Saved, all_saved, of_type, one
from throughline.telemetry import vocabulary

NUMBERS = {"long", "double", "integer"}
KEYWORDS = {"keyword"}
FITTING = {
    "count": {"records"},
    "date_histogram": {"date"},
    "terms": KEYWORDS,
    "unique_count": KEYWORDS,
    "last_value": KEYWORDS | NUMBERS,
    **dict.fromkeys(("average", "max", "min", "sum", "percentile", "range"), NUMBERS),
}
LENS_TYPES = {"date": {"date"}, "string": KEYWORDS, "number": NUMBERS | {"records"}}
SERVICES = {"nginx", "api", "worker", "monitor"}
WITH_A_QUERY = [saved for saved in all_saved() if saved.type in {"lens", "search"}]


def title_of(saved: Saved) -> str:
    return saved.id


def fields_of(view: Saved) -> dict[str, str]:
    """Name → type in the indices of the data view, as `setup` declares them, and the computed ones."""
    known: dict[str, str] = {}
    for pattern in view.title.split(","):
        (template,) = (each for each in all_templates().values() if each["index_patterns"] == [pattern])
        known |= dict(_flat(template["template"]["mappings"]["properties"], ""))
    if "jaeger-span" in view.title:  # Jaeger makes a keyword of each attribute, a dot in its name an @
        names = (name.replace(".", "@") for name in vocabulary.load()["span_attributes"])
        known |= {f"tag.{name}": "keyword" for name in names}
    known = {name: known.get(kind.removeprefix("→"), kind) for name, kind in known.items()}
    return known | {name: field["type"] for name, field in view.runtime.items()} | {"___records___": "records"}


def _flat(properties: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, field in properties.items():
        if "properties" in field:
            yield from _flat(field["properties"], f"{prefix}{name}.")
        else:
            yield prefix + name, f"→{field['path']}" if field.get("type") == "alias" else field.get("type", "object")


@pytest.mark.parametrize("saved", WITH_A_QUERY, ids=title_of)
def test_an_object_names_fields_that_exist(saved: Saved):
    assert saved.query
    assert saved.fields() <= fields_of(saved.data_view).keys()


@pytest.mark.parametrize(
    ("field", "values"), [("event.action", vocabulary.load()["events"].keys()), ("service.name", SERVICES)]
)
def test_queries_name_events_and_services_that_exist(field: str, values: set[str]):
    asked: set[str] = set()
    for saved in WITH_A_QUERY:
        for query in saved.queries():
            asked |= set(re.findall(rf"{field} : ([\w.]+)", query))
    assert asked
    assert asked <= set(values)


@pytest.mark.parametrize("saved", of_type("lens"), ids=title_of)
def test_a_lens_computes_with_fields_of_a_fitting_type(saved: Saved):
    known = fields_of(saved.data_view)
    measured = [column for column in saved.columns() if column["operationType"] != "static_value"]
    assert measured
    for column in measured:
        kind = known[column["sourceField"]]
        assert kind in FITTING[column["operationType"]], column["sourceField"]
        of_result = LENS_TYPES[column["dataType"]]
        assert kind in of_result or column["operationType"] in {"unique_count", "range"}, column["sourceField"]


@pytest.mark.parametrize("saved", of_type("search"), ids=title_of)
def test_a_search_sorts_by_a_number_or_a_time(saved: Saved):
    ((field, _),) = saved.attributes["sort"]
    assert fields_of(saved.data_view)[field] in NUMBERS | {"date"}


@pytest.mark.parametrize("view", of_type("index-pattern"), ids=title_of)
def test_a_data_view_has_the_time_and_formats_fields_that_exist(view: Saved):
    known = fields_of(view)
    assert known[view.attributes["timeFieldName"]] == "date"
    assert Saved.parsed(view.attributes["fieldFormatMap"]).keys() <= known.keys()


def test_the_waterfall_reads_what_a_span_has():
    spec = orjson.loads(one("visualization", "throughline-journey-waterfall").visualization["params"]["spec"])
    body = spec["data"]["url"]["body"]
    known = fields_of(one("index-pattern", "throughline-spans"))
    assert {name for order in body["sort"] for name in order} <= known.keys()
    assert set(body["_source"]) <= known.keys() | {"tag", "process.tag"}
    transforms = orjson.dumps(spec["transform"]).decode()
    asked = set(re.findall(r"datum\._source\.([\w.]+)", transforms))
    assert asked == {
        "traceID",
        "operationName",
        "process.serviceName",
        "startTime",
        "duration",
        "process.tag",
        "tag",
    }
    tags = set(re.findall(r"tag(?:\['|\.)([\w@]+)", transforms)) - {"error"}  # that one is Jaeger's own
    assert tags >= {"correlation_id", "clock_offset_ms", "task_id", "worker", "cause", "status", "phase", "error@type"}
    assert {f"tag.{name}" for name in tags} <= known.keys()
    assert "['told by']['service@instance@id']" in transforms
    assert "process.tag.service@instance@id" in known
