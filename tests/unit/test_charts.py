"""Charts of a result: what a task type may declare, and that what is drawn is where the numbers say."""

import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel

from monitor.page.charts.axis import Axis, told
from monitor.page.charts.view import ChartView, chart_views
from monitor.page.contents.view import contents_view
from monitor.page.responses import rendered
from tests.unit.test_page_contents import WEEK, submitted
from throughline import Bars, Curves, Histogram, Line, Mark, Points, task
from throughline.errors import WrongTask

HISTOGRAM = Histogram(
    "Losses", edges="d.edges", weights="d.shares", marks=(Mark("var", "VaR", shade=True),), axis="Loss"
)
CURVES = Curves(
    "Frontier",
    lines=(Line("points[].y", "Frontier", x="points[].x"),),
    points=(Points("x", "y", "Chosen"), Points("all[].x", "all[].y", "All", names="all[].name")),
)
BARS = Bars("Weights", values="weights")
EXTREMES = [1e-300, 1e-12, 1.0, 1e9, 1e100]


def one(chart: Any, result: Any) -> ChartView:
    (view,) = chart_views((chart,), result)
    return view


def elements(view: ChartView, kind: str, size: str = "wide") -> list[dict[str, Any]]:
    """The attributes of the elements of a class, with their text."""
    root = ET.fromstring(str(dict(view.pictures)[size]))
    return [{**each.attrib, "text": each.text} for each in root.iter() if kind in each.get("class", "").split()]


def drawn_well(view: ChartView) -> None:
    """Each picture is well-formed, names itself and stays inside of its frame."""
    assert view.why == ""
    for size, width in (("wide", 700.0), ("narrow", 330.0)):
        root = ET.fromstring(str(dict(view.pictures)[size]))
        height = float(root.attrib["viewBox"].split()[3])
        title, about = root.attrib["aria-labelledby"].split()
        assert [each.attrib["id"] for each in root[:2]] == [title, about] and root[0].text and root[1].text
        for each in root.iter():
            for name, most in (
                ("x", width),
                ("cx", width),
                ("x1", width),
                ("y", height),
                ("cy", height),
                ("y2", height),
            ):
                assert -1 <= float(each.get(name, 0)) <= most + 1
            assert float(each.get("width", 0)) <= width and float(each.get("height", 0)) <= height


def histogram_of(low: float, high: float, mark: float, bins: int = 20) -> dict[str, Any]:
    edges = [low + (high - low) * i / bins for i in range(bins + 1)]
    return {"d": {"edges": edges, "shares": [1 / bins] * bins}, "var": mark}


@pytest.mark.parametrize("scale", EXTREMES)
@pytest.mark.parametrize("place", [-1.0, -0.25, 0.0, 0.8, 1.0])
def test_a_mark_stands_where_its_number_is(scale: float, place: float):
    view = one(HISTOGRAM, histogram_of(-scale, scale, place * scale))
    drawn_well(view)
    for size in ("wide", "narrow"):
        bins = elements(view, "bin", size)
        left, right = float(bins[0]["x"]), float(bins[-1]["x"]) + float(bins[-1]["width"])
        (mark,) = elements(view, "at", size)
        assert float(mark["x1"]) == pytest.approx(left + (place + 1) / 2 * (right - left), abs=1)
        assert all(float(each["x"]) >= float(mark["x1"]) - 1 for each in elements(view, "beyond", size))
    (words,) = elements(view, "mark-name")
    assert words["text"] == f"VaR {told(place * scale)}"


@pytest.mark.parametrize("values", [(-8, -7), (7, 8), (8, 7), (-8, 8)])
def test_no_mark_s_line_goes_through_the_words_of_another(values: tuple[float, float]):
    chart = Histogram(
        "L", "d.edges", "d.shares", marks=(Mark("var", "Value at risk"), Mark("es", "Expected shortfall"))
    )
    view = one(chart, histogram_of(-10, 10, values[0]) | {"es": values[1]})
    for size in ("wide", "narrow"):
        for words in elements(view, "mark-name", size):
            x, y = float(words["x"]), float(words["y"])
            ends = (x - 150, x) if words["text-anchor"] == "end" else (x, x + 150)
            for line in elements(view, "at", size):
                crosses = ends[0] < float(line["x1"]) < ends[1] and float(line["y1"]) < y - 2
                assert not crosses


def test_heights_are_shares_also_of_bins_of_different_widths():
    view = one(HISTOGRAM, {"d": {"edges": [0, 1, 2, 4], "shares": [10, 30, 60]}, "var": None})
    heights = [float(each["height"]) for each in elements(view, "bin")]
    assert [each / heights[0] for each in heights] == pytest.approx([1, 3, 3], rel=0.01)
    assert elements(view, "at") == []
    assert view.rows == (("0", "1", "10 %"), ("1", "2", "30 %"), ("2", "4", "60 %"))


def test_what_lies_beyond_the_picture_is_told():
    chart = Histogram("L", "d.edges", "d.shares", below="b", above="a", marks=(Mark("far", "ES"), Mark("none", "VaR")))
    view = one(chart, histogram_of(0, 10, 1) | {"b": 0.02, "a": 0.18, "far": 1e6})
    assert view.notes == ("2 % lie below 0.", "18 % lie above 10.", "ES (1 m) lies outside the picture.")
    assert view.rows[0] == ("0", "0.5", "4 %")  # of the whole
    drawn_well(view)


@pytest.mark.parametrize(
    "result",
    [
        {"d": {"edges": [5, 6], "shares": [1]}, "var": 5},
        {"d": {"edges": [1e15, 1e15 + 1], "shares": [3]}, "var": 1e15},
        {"d": {"edges": [-3, -2, -1], "shares": [0, 1]}, "var": -2},
        {"d": {"edges": [-1e300, 1e300], "shares": [1]}, "var": 0},
    ],
)
def test_one_bin_and_numbers_far_from_zero_are_drawn(result: dict[str, Any]):
    drawn_well(one(HISTOGRAM, result))


@pytest.mark.parametrize("scale", EXTREMES)
def test_points_lie_on_the_curve_that_goes_through_them(scale: float):
    points = [{"x": i * scale, "y": i * i * scale} for i in range(9)]
    named = [{"x": 0, "y": 0, "name": "<b>A\u202e"}, {"x": None, "y": 1, "name": "B"}]
    view = one(CURVES, {"points": points, "x": 4 * scale, "y": 16 * scale, "all": named})
    drawn_well(view)
    (curve,) = elements(view, "curve")
    places = [tuple(map(float, each.split())) for each in curve["d"].removeprefix("M").split("L")]
    (chosen,) = elements(view, "series-2")
    assert (float(chosen["cx"]), float(chosen["cy"])) == pytest.approx(places[4], abs=1)
    assert len(elements(view, "series-3")) == 1  # a point without a number is none
    assert [each["text"] for each in elements(view, "point-name")][-1] == "<b>A\\u202e"
    assert view.legend == (("series-1", "Frontier"), ("series-2", "Chosen"), ("series-3", "All"))


@pytest.mark.parametrize("values", [[1], [2, 2, 2], [-1, -2], [0, 0], [1e-300, -1e-300], [1e100, -1], [None, 3]])
def test_all_kinds_of_numbers_make_curves_and_bars(values: list[float | None]):
    line = Curves("Line", lines=(Line("y", "y"),))
    drawn_well(one(line, {"y": values}))
    names = {f"n{i}": value for i, value in enumerate(values)}
    view = one(BARS, {"weights": names})
    drawn_well(view)
    assert [row[0] for row in view.rows] == list(names)


def test_bars_go_to_either_side_of_zero_by_their_numbers():
    view = one(Bars("P&L", "s[].pnl", names="s[].name"), {"s": [{"name": "a", "pnl": 100}, {"name": "b", "pnl": -50}]})
    for size in ("wide", "narrow"):
        (up,), (down,) = elements(view, "bar-above", size), elements(view, "bar-below", size)
        assert float(up["width"]) == pytest.approx(2 * float(down["width"]), abs=1)
        assert float(down["x"]) + float(down["width"]) == pytest.approx(float(up["x"]), abs=0.1)


def test_of_many_bars_the_largest_are_drawn_and_of_many_points_no_more_than_there_is_room_for():
    view = one(BARS, {"weights": {f"asset {i}": i / 500 for i in range(500)}})
    assert (len(elements(view, "bar-above")), len(view.rows), view.more_rows) == (20, 200, 300)
    assert view.notes == ("The 20 largest of 500; the table has more.",)
    long = one(Curves("L", lines=(Line("y", "y"),)), {"y": [(-1) ** i * i for i in range(100_000)]})
    assert len(elements(long, "curve")[0]["d"]) < 40_000
    drawn_well(long)


def test_a_chart_whose_fields_are_not_there_is_left_out():
    results: list[Any] = [
        {},
        [],
        "text",
        None,
        {"d": None},
        {"d": {"edges": [1, 2]}},
        {"points": []},
        {"weights": None},
    ]
    for result in results:
        assert all(view.why for view in chart_views((HISTOGRAM, CURVES, BARS), result))
    assert chart_views((HISTOGRAM, CURVES, BARS), {"other": 1}) == ()


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"d": {"edges": [1, 2, 3], "shares": [1]}}, "d.edges has 3 numbers for 1 of d.shares"),
        ({"d": {"edges": [1, 1], "shares": [1]}}, "d.edges must rise from each to the next"),
        ({"d": {"edges": [1, 2], "shares": [None]}}, "d.shares is null"),
        ({"d": {"edges": ["<script>", 2], "shares": [1]}}, "d.edges holds what is no number"),
        ({"d": {"edges": [1, 10**400], "shares": [1]}}, "d.edges holds a number that is too large to be drawn"),
        ({"d": {"edges": [1, 2], "shares": [-1]}}, "d.shares must not be below 0, nor all 0"),
        ({"d": {"edges": [True, 2], "shares": [1]}}, "d.edges holds what is no number"),
    ],
)
def test_what_cannot_be_drawn_says_why(result: dict[str, Any], why: str):
    view = one(HISTOGRAM, result)
    assert (view.why, view.pictures) == (why, ())


def test_ticks_are_round_numbers_that_differ():
    for low, high in ((0, 1), (-3450, 3600), (1e-300, 5e-300), (1_000_001, 1_000_004), (-1e100, 1e100), (0.08, 0.25)):
        ticks = Axis.over([low, high], 0, 700).ticks(8)
        assert 2 <= len(ticks) <= 9
        assert len({words for _, words in ticks}) == len(ticks)
        assert all(a < b for (a, _), (b, _) in pairwise(ticks))
    assert [told(each) for each in (0, 983.4, -12_500_000, 0.0125, 1.2e-300)] == [
        "0",
        "983.4",
        "−12.5 m",
        "0.0125",
        "1.2e-300",
    ]


def test_charts_stand_above_the_result_and_hostile_names_stay_text():
    hostile = '</svg><script>alert(1)</script>"\u202e'
    task_of = submitted({}, {"weights": {hostile: 1, "b" * 10_000: 2}})
    html = rendered("task_contents.html", contents=contents_view(task_of, WEEK, (BARS, HISTOGRAM)))
    assert "<script>" not in html and "\u202e" not in html
    assert html.index("<svg") < html.index("result-of-task")
    assert html.count("<svg") == 2 and len(html) < 40_000
    unreadable = contents_view(submitted({}, float("nan")), WEEK, (BARS,))
    assert unreadable.charts == ()


class Data(BaseModel):
    pass


@pytest.mark.parametrize(
    ("charts", "says"),
    [
        ("bars", "its charts must be a list, not str"),
        ([{"kind": "bars"}], "charts[0]: a chart is a Histogram, Curves or Bars, not dict"),
        ([Bars("", "a")], "charts[0]: its title must be a text"),
        ([BARS, Bars("B", "a..b")], "charts[1]: values must be a field of the result, as in"),
        ([Bars("B", "a[0]")], "not 'a[0]'"),
        ([Curves("C")], "it has neither lines nor points"),
        ([Curves("C", lines=["y"])], "its lines must be a list of Line"),  # type: ignore[arg-type]
        ([Histogram("H", "e", "w", marks=(Mark("", "VaR"),))], "field must be a field of the result"),
        ([Histogram("H", "e", "w", marks=(Mark("v", " "),))], "a label must be a text"),
        ([BARS] * 11, "it may have 10 charts, not 11"),
    ],
)
def test_a_wrong_chart_is_named_where_the_task_is_declared(charts: Any, says: str):
    with pytest.raises(WrongTask, match="Wrong task: 'charted' in ") as refused:
        task("charted", model=Data, run="a:b", charts=charts)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
