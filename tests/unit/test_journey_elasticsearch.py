"""The search in Elasticsearch gives what the search in files gives; whatever is wrong is said in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.json_server import Server
from tests.unit.test_journey_sample import Sample
from throughline.journey import assemble, elasticsearch, find
from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.journey.json_document import to_dict
from throughline.journey.span import Span


def stored(span: Span) -> dict[str, Any]:
    """A span as Jaeger stores it: microseconds, attributes as text under names without dots."""
    tags = {name.replace(".", "@"): str(value) for name, value in span.attributes.items()} | {"span@kind": span.kind}
    parent = {"refType": "CHILD_OF", "traceID": span.trace_id, "spanID": span.parent_id}
    source = {
        "traceID": span.trace_id,
        "spanID": span.span_id,
        "operationName": span.name,
        "references": [parent] if span.parent_id else [],
        "startTime": span.start_ns // 1000,
        "duration": (span.end_ns - span.start_ns) // 1000,
        "process": {
            "serviceName": span.service,
            "tag": {"service@instance@id": span.node, "service@version": span.version},
        },
        "tag": tags | ({"error": "true"} if span.failed else {}),
    }
    return {"_index": "jaeger-span-2026-11-24", "_source": source}


def hits(lines: list[dict[str, Any]], spans: list[dict[str, Any]]) -> dict[str, Any]:
    data_stream = ".ds-logs-throughline-default-2026.11.24-000001"
    return {"hits": {"hits": [{"_index": data_stream, "_source": line} for line in lines] + spans}}


def test_the_picture_is_the_one_that_the_files_give(tmp_path: Path, server: Server, client: Client):
    sample = Sample(tmp_path / "var")
    sample.complete("ABC-1")
    sample.log(7, "answered", correlation_id="ABC-1")
    from_files = find(sample.var_dir, "ABC-1")
    server.answer = hits(from_files.log_lines, [stored(span) for span in from_files.spans])

    from_elasticsearch = elasticsearch.find(client, "ABC-1")

    assert len(from_files.spans) >= 6
    assert to_dict(assemble("ABC-1", from_elasticsearch)) == to_dict(assemble("ABC-1", from_files))
    asked, body = server.asked[0]
    assert asked.startswith("POST /logs-throughline-*,jaeger-span-*/_search")
    assert json.loads(body)["query"]["bool"]["should"] == [
        {"term": {"correlation_id": "ABC-1"}},
        {"term": {"requested_by": "ABC-1"}},
    ]


def test_a_span_that_was_sent_twice_counts_once(tmp_path: Path, server: Server, client: Client):
    sample = Sample(tmp_path / "var")
    sample.complete("ABC-1")
    spans = find(sample.var_dir, "ABC-1").spans
    server.answer = hits([], [stored(span) for span in (*spans, *spans)])

    assert len(elasticsearch.find(client, "ABC-1").spans) == len(spans)


def test_a_span_that_makes_no_sense_does_not_hide_the_others(tmp_path: Path, server: Server, client: Client):
    sample = Sample(tmp_path / "var")
    sample.complete("ABC-1")
    first, *others = [stored(span) for span in find(sample.var_dir, "ABC-1").spans]
    first["_source"]["startTime"] = "soon"
    server.answer = hits([], [first, *others])

    assert len(elasticsearch.find(client, "ABC-1").spans) == len(others)


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (401, {}, "wrong user or password"),
        (403, {"error": {"reason": "action is unauthorized"}}, "action is unauthorized"),
        (503, {"error": "overloaded"}, "overloaded"),
        (500, {}, "HTTP 500"),
    ],
)
def test_a_refusal_says_who_refused_what_and_why(
    server: Server, client: Client, status: int, answer: dict[str, Any], says: str
):
    server.status, server.answer = status, answer

    with pytest.raises(Unanswered, match=says) as refused:
        elasticsearch.find(client, "ABC-1")

    assert server.url in str(refused.value)
    assert refused.value.status == status
    assert "secret" not in str(refused.value)


def test_an_elasticsearch_that_is_away_is_named():
    with (
        Client("http://127.0.0.1:9", "reader", "", seconds=1) as client,
        pytest.raises(Unanswered, match=r"127.0.0.1:9"),
    ):
        elasticsearch.find(client, "ABC-1")
