"""Every rate in Grafana sees the first events of a series, and takes two monitors for one."""

import re

import pytest

from dashboards.grafana import build
from dashboards.grafana.rows import ROWS
from throughline.telemetry import vocabulary

QUERIES = {panel.title: panel.queries for row in ROWS for panel in row.panels}
OF_THE_COLLECTOR = re.compile(r"rate\(((?:throughline_span|http_server)_\w+(?:\{[^}]*\})?)\[")
OF_THE_MONITOR = re.compile(r"(max without \(instance\) \()?rate\(throughline_(?!span_)\w+")


@pytest.mark.parametrize("title", QUERIES)
def test_a_rate_counts_what_came_before_it_was_first_seen_and_each_figure_once(title):
    for query in QUERIES[title]:
        for series in OF_THE_COLLECTOR.findall(query):
            assert f"({series} unless {series} offset" in query
        assert all(OF_THE_MONITOR.findall(query)), query


def test_runs_tasks_and_their_times_are_those_of_the_ledger_and_not_of_spans():
    for title in (
        "Runs by status",
        "Tasks by final status",
        "Share that fails, of runs",
        "Run within",
        "Waited within",
    ):
        assert "throughline_span_" not in " ".join(QUERIES[title]), title


def test_deployments_are_drawn_from_what_the_monitor_says_of_versions():
    (annotation,) = build.dashboard()["annotations"]["list"]
    metric = vocabulary.load()["metrics"]["throughline.version.since"]
    assert (metric["unit"], metric["attributes"]) == ("s", ["service", "version"])
    assert "by (service, version) (throughline_version_since_seconds) * 1000" in annotation["expr"]  # Grafana: ms
    assert annotation["useValueForTime"]


def test_every_chart_says_its_unit_and_which_line_is_whose():
    for panel in build.dashboard()["panels"]:
        for target in panel.get("targets", ()):
            assert target["legendFormat"] or panel["type"] == "stat", panel["title"]
