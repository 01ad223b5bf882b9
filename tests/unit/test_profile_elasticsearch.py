"""The profile in Elasticsearch is one request for figures; the stack's tests compare them with the real durations."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.json_server import Server
from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.profile import Figures, Key, Step, Window, elasticsearch
from throughline.profile.sampling import share_sampled

WINDOW = Window(datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 11, 25, tzinfo=UTC))


def bucket(count: int, *microseconds: float, total: float = 0) -> dict[str, Any]:
    values = [
        {"key": percent, "value": value} for percent, value in zip((50.0, 95.0, 99.0), microseconds, strict=False)
    ]
    return {"doc_count": count, "percentiles": {"values": values}, "total": {"value": total}}


def test_figures_come_from_buckets_and_an_empty_one_is_no_step(server: Server, client: Client):
    nothing = {"doc_count": 0, "percentiles": {"values": [{"key": 50.0, "value": None}]}, "total": {"value": 0}}
    steps = {step.value: nothing for step in Step if step is not Step.PHASE}
    steps["run"] = bucket(3, 1500.4, 2000, 2500, total=4500)
    of_type = {
        "key": "word_count",
        "steps": {"buckets": steps},
        "phases": {"names": {"buckets": [{"key": "run", **bucket(3, 1, 2, 3, total=6)}]}},
    }
    server.answer = {"aggregations": {"types": {"buckets": [of_type]}}}

    found = elasticsearch.profile(client, WINDOW)

    (only,) = found.types
    assert {step.key: step.figures for step in (*only.steps, *only.phases)} == {
        Key("word_count", Step.RUN): Figures(3, 1_500_400, 2_000_000, 2_500_000, 4_500_000),
        Key("word_count", Step.PHASE, "run"): Figures(3, 1000, 2000, 3000, 6000),
    }
    assert not found.is_exact


def test_no_span_itself_is_asked_for(server: Server, client: Client):
    server.answer = {"aggregations": {"types": {"buckets": []}}}

    assert not elasticsearch.profile(client, WINDOW, "word_count")
    (path, body), _ = server.asked
    asked = json.loads(body)
    assert path.startswith("POST /jaeger-span-*/_search")
    assert (asked["size"], asked["track_total_hits"]) == (0, False)
    assert {"term": {"tag.task_type": "word_count"}} in asked["query"]["bool"]["filter"]


def test_log_lines_tell_how_many_tasks_were_sampled(server: Server, client: Client):
    server.answer = {"aggregations": {"submitted": {"doc_count": 40}, "unsampled": {"doc_count": 30}}}

    found = elasticsearch.profile(client, WINDOW, "word_count")

    assert share_sampled(found.sampling) == "10 of 40 tasks submitted in that time were sampled (25 %)"
    _, (path, body) = server.asked
    asked = json.loads(body)
    assert path.startswith("POST /logs-throughline-*/_search")
    assert {"term": {"task_type": "word_count"}} in asked["query"]["bool"]["filter"]
    assert asked["size"] == 0


def test_before_the_first_span_there_is_nothing(server: Server, client: Client):
    server.answer = {"hits": {"hits": []}}  # no index: no aggregations

    assert not elasticsearch.profile(client, WINDOW)


def test_a_refusal_is_said(server: Server, client: Client):
    server.status, server.answer = 401, {}

    with pytest.raises(Unanswered, match="wrong user or password"):
        elasticsearch.profile(client, WINDOW)
