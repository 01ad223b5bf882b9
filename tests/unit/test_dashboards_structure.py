"""Kibana's saved objects hold together: Kibana itself would import many a broken one and say that all is well."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from dashboards.kibana.build import content
from tests.saved_objects import FILE, Saved, all_saved, by_key, of_type, one

VERSIONS = {
    "index-pattern": "8.0.0",
    "search": "8.0.0",
    "visualization": "8.5.0",
    "lens": "8.9.0",
    "dashboard": "8.9.0",
}
EMBEDDED = ("panelsJSON", "optionsJSON", "visState", "uiStateJSON", "fieldFormatMap", "runtimeFieldMap", "fieldAttrs")
BUCKETS = {"date_histogram", "terms", "range"}
DASHBOARDS = of_type("dashboard")
LENSES = of_type("lens")
# What is asked for on each page, by the titles that people see.
PAGES = {
    "throughline-overview": {
        *("Request rate", "Error rate (answers of 500 and above)", "Latency at NGINX", "Latency at the api"),
        *("Queue depth by priority", "Queue wait against run time", "Age of the oldest waiting task"),
        *("Workers alive", "Tasks in flight", "Circuit breaker: state", "Circuit breaker: transitions"),
        *("Throughput by task type", "Top errors", "Slowest requests"),
        *("Failed requests by the version that answered", "Versions"),
        *("Error rate by version", "Latency at NGINX by version, p95", "Run time by version, p95"),
    },
    "throughline-journey": {"Waterfall", "Log lines, in order", "Answered within", "Waited in queues", "Ran", "Errors"},
    "throughline-workers": {
        *("Workers", "Runs by worker", "Run time by worker, all its processes", "Run time by task type"),
        *("Retries by error type", "Dead letters", "Failures by error type"),
    },
}


def title_of(saved: Saved) -> str:
    return saved.id


def test_the_file_is_what_its_source_makes():
    assert FILE.read_bytes() == content(), "run `make dashboards`"


def test_no_two_objects_have_one_name():
    assert len(by_key()) == len(all_saved())


def test_every_object_has_the_versions_that_kibana_takes():
    for saved in all_saved():
        assert saved.content["coreMigrationVersion"] == "8.8.0"
        assert saved.content["typeMigrationVersion"] == VERSIONS[saved.type], saved.id
        assert "migrationVersion" not in saved.content


def test_json_inside_a_string_is_json():
    found = 0
    for saved in all_saved():
        for name in EMBEDDED:
            if name in saved.attributes:
                orjson.loads(saved.attributes[name])
                found += 1
    assert found >= 2 * len(DASHBOARDS)


def test_every_reference_means_an_object_of_the_file():
    for saved in all_saved():
        assert set(saved.references.values()) <= by_key().keys(), saved.id


@pytest.mark.parametrize("saved", [s for s in all_saved() if s.type != "index-pattern"], ids=title_of)
def test_the_names_that_an_object_uses_are_its_references_and_no_others(saved: Saved):
    assert set(saved.references) == set(used_names(saved))


def used_names(saved: Saved) -> Iterator[str]:
    if saved.type == "dashboard":
        yield from (f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in saved.panels)
    elif saved.type == "lens":
        yield from (f"indexpattern-datasource-layer-{name}" for name in saved.layers)
        drawn = saved.attributes["state"]["visualization"].get("layers", ())
        yield from (f"xy-visualization-layer-{each['layerId']}" for each in drawn if each["layerType"] == "annotations")
    elif saved.type == "search":
        yield saved.search_source["indexRefName"]


def test_nothing_is_in_the_file_that_no_page_shows_and_nobody_opens_by_itself():
    opened = {("search", "throughline-by-correlation-id"), ("search", "throughline-errors")}
    opened |= {("index-pattern", name) for name in ("throughline", "throughline-logs", "throughline-spans")}
    opened |= {(saved.type, saved.id) for saved in DASHBOARDS}
    meant = {key for saved in all_saved() for key in saved.references.values()}
    assert by_key().keys() == opened | meant
    assert opened <= by_key().keys()


@pytest.mark.parametrize("saved", DASHBOARDS, ids=title_of)
def test_a_panel_is_of_the_type_that_it_means(saved: Saved):
    for panel in saved.panels:
        meant, _ = saved.references[f"{panel['panelIndex']}:{panel['panelRefName']}"]
        assert panel["type"] == meant


@pytest.mark.parametrize("saved", DASHBOARDS, ids=title_of)
def test_panels_fill_the_grid_and_none_lies_on_another(saved: Saved):
    taken: set[tuple[int, int]] = set()
    for panel in saved.panels:
        place = panel["gridData"]
        assert place["i"] == panel["panelIndex"]
        cells = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert cells
        assert not taken & cells, panel
        taken |= cells
    assert taken == set(itertools.product(range(48), range(max(y for _, y in taken) + 1)))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_is_asked_of_it(page: str):
    saved = one("dashboard", page)
    shown = {by_key()[key].title for key in saved.references.values()}
    assert shown >= PAGES[page]


@pytest.mark.parametrize("saved", LENSES, ids=title_of)
def test_a_lens_draws_the_columns_that_it_computes(saved: Saved):
    drawn = set(columns_named(saved.attributes["state"]["visualization"]))
    computed = {name for layer in saved.layers.values() for name in layer["columns"]}
    assert drawn == computed


def columns_named(state: Any) -> Iterator[str]:
    """Every column that a Lens visualization names, whatever its kind."""
    if isinstance(state, list):
        for each in state:
            yield from columns_named(each)
    elif isinstance(state, dict):
        for name, value in state.items():
            if name in {"columnId", "forAccessor"} or (name.lower().endswith("accessor") and isinstance(value, str)):
                yield value
            elif name == "accessors":
                yield from value
            else:
                yield from columns_named(value)


@pytest.mark.parametrize("saved", LENSES, ids=title_of)
def test_a_lens_computes_buckets_first_and_orders_them_by_a_column_it_has(saved: Saved):
    for layer in saved.layers.values():
        columns = layer["columns"]
        assert sorted(layer["columnOrder"]) == sorted(columns)
        bucketed = [columns[name]["isBucketed"] for name in layer["columnOrder"]]
        assert bucketed == [columns[name]["operationType"] in BUCKETS for name in layer["columnOrder"]]
        assert bucketed == sorted(bucketed, reverse=True)
        orders = [column["params"]["orderBy"] for column in columns.values() if column["operationType"] == "terms"]
        assert {order["columnId"] for order in orders if "columnId" in order} <= columns.keys()


def test_task_types_come_from_the_documents_so_that_an_added_one_is_shown():
    columns = [
        column
        for saved in LENSES
        for layer in saved.layers.values()
        for column in layer["columns"].values()
        if column.get("sourceField") == "task_type"
    ]
    assert len(columns) >= 4
    assert {(column["operationType"], column["params"]["size"]) for column in columns} == {("terms", 50)}


def test_no_dashboard_and_no_alert_names_a_task_type():
    types = [model.parent.name for model in Path("risk").glob("*/model.py")]
    assert "calculate_var" in types
    for file in (*Path("dashboards").rglob("*.*json"), Path("observability/prometheus/rules.yml")):
        text = file.read_text(encoding="utf-8")
        assert [name for name in types if name in text] == [], file


def test_the_error_rate_has_the_line_of_five_percent():
    saved = one("lens", "throughline-error-rate")
    (limit,) = (column for column in saved.columns() if column["operationType"] == "static_value")
    assert float(limit["params"]["value"]) == 0.05
    (line,) = (
        layer for layer in saved.attributes["state"]["visualization"]["layers"] if layer["layerType"] == "referenceLine"
    )
    assert line["accessors"] == ["limit"]


def test_the_waterfall_asks_for_the_spans_of_the_query_bar():
    spec = orjson.loads(one("visualization", "throughline-journey-waterfall").visualization["params"]["spec"])
    url = spec["data"]["url"]
    assert url["%context%"] is True
    assert url["%timefield%"] == "@timestamp"
    assert url["index"] == one("index-pattern", "throughline-spans").title
    assert "query" not in url["body"]  # Kibana refuses a query beside %context%


def test_the_log_lines_of_a_journey_are_in_order():
    assert one("search", "throughline-lines-in-order").attributes["sort"] == [["@timestamp", "asc"]]
