"""What Prometheus is given is valid, in both of its formats, and named as `promtool check metrics` wants it."""

import re
from collections.abc import Iterable
from typing import Any, Final

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from tests.system.nine import Nine

NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
SUFFIXES: Final = ("_total", "_count", "_sum", "_bucket", "_created")
# What stands for a unit, with the base unit that belongs in its place.
NOT_BASE: Final = {
    **dict.fromkeys(
        ("milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "ms", "us", "ns"), "seconds"
    ),
    **dict.fromkeys(("kilobytes", "megabytes", "kib", "mib", "kb", "mb", "bits"), "bytes"),
    **dict.fromkeys(("percent", "percentage"), "ratio"),
}
# Of Prometheus's own client library, whose names are not ours.
LIBRARY: Final = ("python_", "process_", "target_", "otel_")
TEXT: Final = "text/plain; version=0.0.4"
OPEN: Final = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(scope="module", params=[TEXT, OPEN])
def told(request: pytest.FixtureRequest, nine: Nine) -> tuple[str, str]:
    """The format that was given, and the metrics in it."""
    with nine.http() as client:
        answer = client.get("/metrics", headers={"Accept": request.param})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == request.param.partition(";")[0]
    return request.param, answer.text


def families(told: tuple[str, str]) -> list[Any]:
    read = parser if told[0] == TEXT else openmetrics_parser
    return list(read.text_string_to_metric_families(told[1]))


def ours(told: tuple[str, str]) -> Iterable[Any]:
    return (family for family in families(told) if not family.name.startswith(LIBRARY))


def test_each_metric_is_declared_once_with_its_help_and_type(told: tuple[str, str]):
    names = [family.name for family in families(told)]
    assert len(names) == len(set(names))
    for family in ours(told):
        assert family.documentation.strip(), family.name
        assert family.type in {"counter", "gauge", "histogram", "info"}, family.name
    lines = [line.split(" ")[2] for line in told[1].splitlines() if line.startswith("# TYPE ")]
    assert len(lines) == len(set(lines))


def test_names_say_the_kind_and_the_base_unit(told: tuple[str, str]):
    wrong = []
    for family in ours(told):
        words = family.name.split("_")
        samples = {sample.name for sample in family.samples}
        if not NAME.fullmatch(family.name) or any(word in NOT_BASE for word in words) or "__" in family.name:
            wrong.append(family.name)
        if family.type == "counter" and not samples <= {f"{family.name}_total", f"{family.name}_created"}:
            wrong.append((family.name, samples))
        if (family.type != "counter" and family.name.endswith(SUFFIXES)) or family.type in words:
            wrong.append((family.name, family.type))
        if family.type == "histogram" and not family.name.endswith(("_seconds", "_bytes", "_ratio")):
            wrong.append((family.name, "has no unit"))
    assert wrong == []


def test_each_series_is_there_once_and_its_labels_are_no_part_of_its_kind(told: tuple[str, str]):
    for family in families(told):
        seen = [(sample.name, *sorted(sample.labels.items())) for sample in family.samples]
        assert len(seen) == len(set(seen)), family.name
        for sample in family.samples:
            reserved = {"le"} if sample.name.endswith("_bucket") else set()
            assert not ({"le", "quantile"} - reserved) & sample.labels.keys(), sample
            assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in sample.labels), sample


def test_a_histograms_buckets_grow_and_end_with_all_that_it_counted(told: tuple[str, str]):
    for family in (family for family in ours(told) if family.type == "histogram"):
        series: dict[tuple[Any, ...], list[Any]] = {}
        for sample in family.samples:
            labels = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
            series.setdefault(labels, []).append(sample)
        for labels, samples in series.items():
            buckets = [(float(each.labels["le"]), each.value) for each in samples if each.name.endswith("_bucket")]
            counts = [count for _, count in buckets]
            assert buckets == sorted(buckets) and counts == sorted(counts), (family.name, labels)
            assert buckets[-1][0] == float("inf")
            assert [each.value for each in samples if each.name.endswith("_count")] == [counts[-1]]


def test_openmetrics_ends_as_it_must(told: tuple[str, str]):
    assert told[1].endswith("# EOF\n") is (told[0] == OPEN)
