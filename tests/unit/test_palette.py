"""Everybody can tell the colours of one chart apart, on light and dark grounds; the page has the same."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from dashboards import palette
from dashboards.grafana import build as grafana

CSS: Final = Path(__file__).resolve().parents[2] / "monitor" / "page" / "static" / "page.css"
# Machado, Oliveira, Fernandes 2009, severity 1, on linear light.
SEEN_BY: Final = {
    "most people": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
# Linear light to OKLab, by Ottosson; ΔE is the distance there times 100, 2 being just noticeable.
TO_CONES: Final = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB: Final = [
    [0.2104542553, 0.793617785, -0.0040720468],
    [1.9779984951, -2.428592205, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.808675766],
]
APART: Final = 8.0
NEIGHBOURS_APART: Final = 12.0  # of the sequence, where a chart rarely shows all
TOGETHER: Final = {
    "states": palette.STATES,
    "services": palette.SERVICES | {"failed": palette.FAILED},
    "queues": palette.QUEUES,
    "breaker": palette.BREAKER,
    "percentiles": palette.PERCENTILES,
    "wait and run": palette.WAIT_AND_RUN,
    "wait, run and the rest": {"wait": palette.WAIT, "run": palette.RUN, "other": palette.OTHER, "bad": palette.FAILED},
}


def linear(colour: str) -> np.ndarray:
    shown = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    light: np.ndarray = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
    return light


def lab(colour: str, seen_by: str) -> np.ndarray:
    light = np.clip(np.array(SEEN_BY[seen_by]) @ linear(colour), 0, 1)
    found: np.ndarray = np.array(TO_LAB) @ np.cbrt(np.array(TO_CONES) @ light)
    return found


def apart(one: str, other: str, seen_by: str) -> float:
    return float(np.linalg.norm(lab(one, seen_by) - lab(other, seen_by))) * 100


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (one, other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def pairs() -> Iterator[tuple[str, str, str]]:
    for chart, colours in TOGETHER.items():
        for one, other in itertools.combinations(colours, 2):
            if colours[one] != colours[other]:
                yield chart, f"{one} {colours[one]}", f"{other} {colours[other]}"


def test_the_measure_knows_what_the_colour_blind_confuse():
    assert apart("#000000", "#ffffff", "most people") == pytest.approx(100, abs=0.1)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    red, green = "#c04000", "#708000"
    assert apart(red, green, "most people") > 2 * apart(red, green, "deuteranopia")


@pytest.mark.parametrize("seen_by", SEEN_BY)
def test_the_colours_of_one_chart_are_told_apart(seen_by: str):
    too_near = [
        (chart, one, other, round(far, 1))
        for chart, one, other in pairs()
        if (far := apart(one[-7:], other[-7:], seen_by)) < APART
    ]
    assert too_near == []


@pytest.mark.parametrize("seen_by", SEEN_BY)
def test_neighbours_of_the_sequence_are_told_apart_well_its_end_and_its_beginning_too(seen_by: str):
    colours = palette.SEQUENCE
    neighbours = itertools.pairwise([*colours, colours[0]])
    assert min(apart(one, other, seen_by) for one, other in neighbours) >= NEIGHBOURS_APART
    assert min(apart(one, other, seen_by) for one, other in itertools.combinations(colours, 2)) >= APART - 0.5


@pytest.mark.parametrize("ground", palette.GROUNDS.values(), ids=palette.GROUNDS.keys())
def test_each_colour_stands_out_from_each_ground(ground: str):
    pale = {name: colour for name, colour in palette.variables().items() if contrast(colour, ground) < 3}
    assert pale == {}


def test_the_page_has_the_same_colours_in_both_schemes():
    declared = re.findall(r"--([\w-]+): (#\w+)", CSS.read_text(encoding="utf-8"))
    of_palette = [(name, colour) for name, colour in declared if name in palette.variables()]
    assert dict(of_palette) == palette.variables()
    assert len(of_palette) == len(palette.variables()), "one value each"


def test_what_has_no_colour_of_its_own_takes_them_in_order_and_begins_again():
    assert [palette.of_place(place) for place in (0, 1, len(palette.SEQUENCE))] == [
        *palette.SEQUENCE[:2],
        palette.SEQUENCE[0],
    ]


def test_a_series_has_the_same_colour_of_the_palette_in_each_panel_of_grafana():
    panels = [panel for panel in grafana.dashboard()["panels"] if panel["type"] != "row"]
    pinned = [each for panel in panels for each in panel["fieldConfig"]["overrides"]]
    named = {each["matcher"]["options"]: each["properties"][0]["value"]["fixedColor"] for each in pinned}
    assert all(each["properties"][0]["value"]["fixedColor"] == named[each["matcher"]["options"]] for each in pinned)
    assert named.keys() >= {"high", "medium", "low", "50%", "95%", "SUCCESS", "FAILURE", "RETRY", "/^5..$/"}
    assert set(named.values()) <= set(palette.variables().values())
    steps = [step for panel in panels for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
    assert {step["color"] for step in steps} == {palette.STATES["success"], palette.FAILED}
