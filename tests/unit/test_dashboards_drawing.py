"""What Kibana draws is legible: its own colours, time in fitting steps, durations in words, headings that fit."""

import itertools
from typing import Any

import orjson
import pytest

from dashboards import palette
from tests.saved_objects import Saved, of_type, one
from throughline.telemetry import vocabulary

CHARTS = [saved for saved in of_type("lens") if saved.attributes["visualizationType"] == "lnsXY"]
TABLES = [saved for saved in of_type("lens") if saved.attributes["visualizationType"] == "lnsDatatable"]
COLOURS = set(palette.variables().values())
PIXELS_A_LETTER = 8
PIXELS_OF_ICONS = 50  # sorting, the field's type, the menu
GRID_PIXELS = 1240  # of 48 columns, on a screen 1280 wide


def title_of(saved: Saved) -> str:
    return saved.id


def drawn(saved: Saved) -> dict[str, Any]:
    found: dict[str, Any] = saved.attributes["state"]["visualization"]
    return found


def data_layer(saved: Saved) -> dict[str, Any]:
    (layer,) = (layer for layer in drawn(saved)["layers"] if layer["layerType"] == "data")
    found: dict[str, Any] = layer
    return found


def time_of(saved: Saved) -> dict[str, Any]:
    found: dict[str, Any] = saved.layers["layer"]["columns"]["time"]
    return found


def test_no_two_dashboards_have_a_panel_of_one_name():
    # Kibana keeps the panels of a tab by name: with 0, 1, 2 … it showed the dashboard that was open before.
    names = [panel["panelIndex"] for saved in of_type("dashboard") for panel in saved.panels]
    assert len(names) > 40
    assert len(set(names)) == len(names)


def test_a_figure_has_one_title_and_every_other_panel_has_its_own():
    for saved in of_type("dashboard"):
        for panel in saved.panels:
            shown = one(*saved.references[f"{panel['panelIndex']}:{panel['panelRefName']}"])
            is_figure = shown.attributes.get("visualizationType") == "lnsMetric"
            assert panel["embeddableConfig"].get("hidePanelTitles", False) == is_figure, shown.id


@pytest.mark.parametrize("saved", CHARTS, ids=title_of)
def test_every_series_has_a_colour_of_the_palette(saved: Saved):
    layer = data_layer(saved)
    if "splitAccessor" in layer:
        assigned = layer["colorMapping"]["assignments"]
        colours = [each["color"]["colorCode"] for each in assigned]
        assert layer["colorMapping"]["assignmentMode"] == "manual"
    else:
        assert [each["forAccessor"] for each in layer["yConfig"]] == layer["accessors"]
        colours = [each["color"] for each in layer["yConfig"]]
    assert colours
    assert set(colours) <= COLOURS
    assert len(set(colours)) == len(colours)


@pytest.mark.parametrize(
    ("lens", "colours"),
    [("queue-depth", palette.QUEUES), ("latency-api", palette.PERCENTILES), ("wait-and-run", palette.WAIT_AND_RUN)],
)
def test_what_has_a_meaning_has_its_colour(lens: str, colours: dict[str, str]):
    pinned = data_layer(one("lens", f"throughline-{lens}"))["yConfig"]
    assert {each["forAccessor"]: each["color"] for each in pinned} == colours


def test_a_state_of_the_circuit_breaker_has_the_colour_of_its_meaning_in_both_charts():
    state = data_layer(one("lens", "throughline-circuit-state"))["colorMapping"]["assignments"]
    change = data_layer(one("lens", "throughline-circuit-changes"))["colorMapping"]["assignments"]
    named = {each["rule"]["values"][0]: each["color"]["colorCode"] for each in state}
    assert named == palette.BREAKER
    events = {each["rule"]["values"][0]: each["color"]["colorCode"] for each in change}
    assert events == {
        "circuit.opened": named["open"],
        "circuit.half_opened": named["half_open"],
        "circuit.closed": named["closed"],
    }


def test_the_waterfall_has_the_colours_of_the_palette():
    spec = orjson.loads(one("visualization", "throughline-journey-waterfall").visualization["params"]["spec"])
    bars, words, _ = spec["layer"]
    scale = bars["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == {
        **{name: palette.SERVICES[name] for name in ("nginx", "api", "queue", "take", "worker", "phase")},
        "lost": palette.FAILED,
    }
    for encoding in (bars["encoding"]["stroke"], words["encoding"]["color"]):
        assert encoding["condition"]["value"] == palette.FAILED


@pytest.mark.parametrize("saved", CHARTS, ids=title_of)
def test_every_chart_over_time_marks_deployments_whatever_the_query_bar_asks_for(saved: Saved):
    assert saved.layers["layer"]["columns"]["time"]["operationType"] == "date_histogram"
    (mark,) = saved.annotations
    assert mark["filter"]["query"] == "event.action : deployment"
    assert mark["textField"] == "deployment.version"
    (layer,) = (layer for layer in drawn(saved)["layers"] if layer["layerType"] == "annotations")
    assert layer["ignoreGlobalFilters"] is True
    assert layer["layerId"] not in saved.layers


def test_what_is_sampled_every_five_seconds_is_drawn_in_no_shorter_steps():
    sampled = [saved for saved in CHARTS if saved.query == "event.action : queue.sampled"]
    assert len(sampled) == 5
    for saved in sampled:
        assert time_of(saved)["params"]["interval"] == "10s"
        assert (drawn(saved)["fittingFunction"], drawn(saved)["emphasizeFitting"]) == ("Carry", True)


@pytest.mark.parametrize("saved", [each for each in CHARTS if data_layer(each)["seriesType"] == "line"], ids=title_of)
def test_a_line_goes_on_where_nothing_was_measured_and_is_no_row_of_dots(saved: Saved):
    assert drawn(saved)["fittingFunction"] in {"Carry", "Linear"}


@pytest.mark.parametrize("view", of_type("index-pattern"), ids=title_of)
def test_every_duration_is_told_in_the_unit_that_fits(view: Saved):
    formats = Saved.parsed(view.attributes["fieldFormatMap"])
    told = {name: each["params"] for name, each in formats.items() if each["id"] == "duration"}
    assert told
    assert {each["outputFormat"] for each in told.values()} == {"humanizePrecise"}
    if "logs" in view.title:
        endings = {"_ms": "milliseconds", "_seconds": "seconds"}
        declared = {
            name: unit for name in vocabulary.load()["fields"] for end, unit in endings.items() if name.endswith(end)
        }
        assert declared.items() <= {name: each["inputFormat"] for name, each in told.items()}.items()


def test_a_column_of_a_duration_leaves_its_words_to_the_field():
    columns = [column for saved in of_type("lens") for column in saved.columns() if "sourceField" in column]
    durations = [column for column in columns if column["sourceField"].endswith(("_ms", "_seconds"))]
    assert len(durations) > 10
    assert not [column["label"] for column in durations if "format" in column["params"]]


@pytest.mark.parametrize("saved", of_type("search"), ids=title_of)
def test_the_heading_of_a_column_with_a_number_or_a_word_fits_its_width(saved: Saved):
    widths = {name: each["width"] for name, each in saved.attributes["grid"]["columns"].items()}
    free = set(saved.attributes["columns"]) - widths.keys()
    assert sum(widths.values()) + 100 * len(free) <= 1.35 * GRID_PIXELS
    assert free <= {"message", "error.message", "url.path", "step"}
    for name, width in widths.items():
        assert width >= len(name) * PIXELS_A_LETTER + PIXELS_OF_ICONS


@pytest.mark.parametrize("saved", TABLES, ids=title_of)
def test_the_widths_of_a_table_leave_room_for_its_other_columns(saved: Saved):
    columns = drawn(saved)["columns"]
    fixed = {each["columnId"]: each["width"] for each in columns if "width" in each}
    assert fixed
    whole_row = {"throughline-per-worker", "throughline-top-errors"}
    panel_pixels = GRID_PIXELS if saved.id in whole_row else GRID_PIXELS / 2
    rest = len(columns) - len(fixed)
    assert rest
    assert (panel_pixels - sum(fixed.values())) / rest >= 70


def test_the_labels_below_the_heatmap_do_not_reach_each_other():
    (cells,) = (saved for saved in of_type("lens") if saved.attributes["visualizationType"] == "lnsHeatmap")
    (across,) = (column for column in cells.columns() if column["operationType"] == "range")
    labels = [each["label"] for each in across["params"]["ranges"]]
    room = (GRID_PIXELS / 2 - 250) / len(labels)  # beside the task types and the legend
    assert max(len(label) for label in labels) * 6.0 <= room
    edges = [(each["from"], each["to"]) for each in across["params"]["ranges"]]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))
    assert drawn(cells)["palette"]["accessor"] == drawn(cells)["valueAccessor"]


def test_an_attempts_end_is_a_line_with_its_number_and_its_run():
    workers = one("lens", "throughline-per-worker")
    assert "attempt : * and duration_ms : *" in workers.query
    assert {"task.put_back", "task.handed_back", "task.retried"} <= {
        word.strip("()") for word in workers.query.split() if word.startswith("task.")
    }
    columns = workers.layers["layer"]["columns"]
    assert columns["worker"]["sourceField"] == "worker", "who ran it, not who wrote the line"
    outcomes = {
        name: columns[name]["filter"]["query"].rpartition(" : ")[2] for name in columns if "filter" in columns[name]
    }
    assert outcomes == {"succeeded": "SUCCESS", "failed": "FAILURE", "retried": "RETRY", "cancelled": "REVOKED"}
