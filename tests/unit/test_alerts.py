"""Alerts, their tests and their runbook say the same; so do the dashboard and its source."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.grafana import build as overview

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "observability" / "prometheus"
RUNBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def rules(kind: str) -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


ALERTS = rules("alert")


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_points_to_its_chapter_of_the_runbook(name: str):
    assert ALERTS[name]["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
    chapter = re.search(rf"^### {name}\n(.*?)(?=^##)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert chapter, f"docs/operations.md has no chapter `### {name}`"
    for part in ("**Means**", "**See**", "**Do**"):
        assert part in chapter[1]


def test_the_runbook_has_no_chapter_about_an_alert_that_is_gone():
    _, _, alerts = RUNBOOK.partition("\n## Alerts\n")
    chapters = re.findall(r"^### (\w+)$", alerts.partition("\n## ")[0], re.MULTILINE)
    assert chapters == list(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_is_a_page_or_a_ticket(name: str):
    assert ALERTS[name]["labels"] in ({"severity": "page"}, {"severity": "ticket"})


def test_promtool_tests_each_alert_when_it_fires_and_when_it_does_not():
    tests = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text(encoding="utf-8"))["tests"]
    expected = [case for test in tests for case in test["alert_rule_test"]]
    assert {case["alertname"] for case in expected if case["exp_alerts"]} == ALERTS.keys()
    assert {case["alertname"] for case in expected if not case["exp_alerts"]} == ALERTS.keys()


def test_the_dashboard_is_what_its_source_writes():
    assert overview.FILE.read_text(encoding="utf-8") == overview.written(), "run `make docs`"


def test_a_panel_that_is_counted_from_spans_says_so():
    of_spans = {name for name, rule in rules("record").items() if "throughline_span_" in rule["expr"]}
    for name, rule in rules("record").items():  # each after those that it asks
        if any(other in rule["expr"] for other in of_spans):
            of_spans.add(name)
    for panel in overview.dashboard()["panels"]:
        asked = " ".join(target["expr"] for target in panel.get("targets", ()))
        is_so = "throughline_span_" in asked or any(name in asked for name in of_spans)
        assert ("Counted from spans" in panel.get("description", "")) == is_so, panel["title"]


def test_the_dashboard_asks_the_datasource_that_is_provisioned():
    file = ROOT / "observability" / "grafana" / "provisioning" / "datasources" / "prometheus.yml"
    (declared,) = yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]
    panels = [panel for panel in overview.dashboard()["panels"] if panel["type"] != "row"]
    targets = [target for panel in panels for target in panel["targets"]]
    asked = {(each["datasource"]["type"], each["datasource"]["uid"]) for each in (*panels, *targets)}
    assert asked == {(declared["type"], declared["uid"])}


def test_the_panels_of_the_dashboard_fill_the_grid_without_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(overview.written())["panels"]:
        place = panel["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}
        assert max(columns) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len(taken) == 24 * (1 + max(y for _, y in taken))
