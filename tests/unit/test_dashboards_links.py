"""Links between Kibana, Jaeger and the API lead where they say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from monitor.plane.kibana import import_folder
from tests.json_server import Server
from tests.saved_objects import FILE, Saved, by_key, one
from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.settings import PlaneSettings

ROOT = Path(__file__).resolve().parents[2]
JAEGER_UI = (ROOT / "observability" / "jaeger" / "ui.json").read_text()
VIEWS = ("throughline", "throughline-logs", "throughline-spans")


@pytest.fixture
def kibana() -> Iterator[Server]:
    with Server() as running:
        running.answer = {"success": True}
        yield running


def imported(kibana: Server, folder: Path, settings: PlaneSettings) -> list[str]:
    with Client(kibana.url, "elastic", "secret", seconds=2) as client:
        return import_folder(client, folder, settings)


def formats(view: str, content: bytes = b"") -> dict[str, Any]:
    lines = [Saved(orjson.loads(line)) for line in content.splitlines()] or list(by_key().values())
    (saved,) = (each for each in lines if each.id == view)
    return Saved.parsed(saved.attributes["fieldFormatMap"])


@pytest.mark.parametrize("view", VIEWS)
def test_a_trace_id_leads_to_jaeger_and_a_correlation_id_to_its_journey(view: str):
    found = formats(view)
    assert found["trace.id"]["params"]["urlTemplate"] == "http://localhost:16686/trace/{{value}}"
    journey = found["correlation_id"]["params"]["urlTemplate"]
    (page,) = re.findall(r"^\.\./app/dashboards#/view/([\w-]+)\?", journey)
    assert ("dashboard", page) in by_key()
    assert "query:'correlation_id:%22{{value}}%22'" in journey


@pytest.mark.parametrize(
    ("view", "field"),
    [("throughline-logs", "task_id"), ("throughline", "task_id"), ("throughline-spans", "tag.task_id")],
)
def test_a_task_id_leads_to_the_task(view: str, field: str):
    assert formats(view)[field]["params"]["urlTemplate"] == "http://localhost/api/v1/tasks/{{value}}"


def test_jaeger_leads_to_data_views_and_pages_that_exist():
    urls = [pattern["url"] for pattern in orjson.loads(JAEGER_UI)["linkPatterns"]]
    views = {view for url in urls for view in re.findall(r"index:([\w-]+)", url)}
    pages = {page for url in urls for page in re.findall(r"/app/dashboards#/view/([\w-]+)", url)}
    assert len(urls) == 3
    assert views == {"throughline"}
    assert pages == {"throughline-journey"}
    assert ("index-pattern", "throughline") in by_key()
    assert ("dashboard", "throughline-journey") in by_key()


def test_jaeger_asks_for_fields_that_the_data_view_has():
    urls = " ".join(pattern["url"] for pattern in orjson.loads(JAEGER_UI)["linkPatterns"])
    assert set(re.findall(r"query:'([\w.]+):", urls)) == {"correlation_id", "trace.id"}
    assert {"correlation_id", "trace.id"} <= formats("throughline").keys()


def test_no_dollar_sign_in_jaegers_file_is_taken_for_a_variable():
    # Jaeger puts nothing in the place of $NAME; a dollar sign that is meant is written twice.
    assert re.findall(r"(?<!\$)\$(?!\$)", JAEGER_UI) == []


def test_kibana_is_given_every_file_of_saved_objects_as_an_upload(tmp_path: Path, kibana: Server):
    (tmp_path / "b.ndjson").write_text('{"id":"b"}')
    (tmp_path / "a.ndjson").write_text('{"id":"a"}')
    (tmp_path / "note.txt").write_text("no")

    assert imported(kibana, tmp_path, PlaneSettings()) == ["a.ndjson", "b.ndjson"]
    assert [asked for asked, _ in kibana.asked] == ["POST /api/saved_objects/_import?overwrite=true"] * 2
    assert b'name="file"; filename="a.ndjson"' in kibana.asked[0][1]
    assert kibana.headers[0]["kbn-xsrf"] == "true"
    assert kibana.headers[0]["Content-Type"].startswith("multipart/form-data")


def test_kibana_that_says_200_but_no_success_is_an_error_that_names_the_file_and_the_reason(kibana: Server):
    kibana.answer = {"success": False, "errors": [{"id": "x", "error": {"type": "missing_references"}}]}

    with pytest.raises(Unanswered, match=r"throughline\.ndjson.*missing_references"):
        imported(kibana, FILE.parent, PlaneSettings())


def test_the_import_puts_configured_addresses_into_the_links(kibana: Server):
    settings = PlaneSettings(jaeger_public_url="https://traces.example.com/", api_public_url="https://risk.example.com")
    assert imported(kibana, FILE.parent, settings) == [FILE.name]

    taken = formats("throughline-logs", uploaded(kibana))
    assert taken["trace.id"]["params"]["urlTemplate"] == "https://traces.example.com/trace/{{value}}"
    assert taken["task_id"]["params"]["urlTemplate"] == "https://risk.example.com/api/v1/tasks/{{value}}"
    assert b"localhost" not in uploaded(kibana)


def test_without_configured_addresses_the_file_is_imported_as_it_is(kibana: Server):
    imported(kibana, FILE.parent, PlaneSettings())
    assert uploaded(kibana) == FILE.read_bytes()


def uploaded(kibana: Server) -> bytes:
    """The file inside the form: after the part's own headers, before the form's last boundary."""
    _, body = kibana.asked[0]
    return body.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]


@pytest.mark.parametrize("url", ["jaeger:16686", 'http://x"y', "http://x y", "javascript:alert(1)", "http://x?q='"])
def test_an_address_that_would_break_a_link_is_refused(url: str):
    with pytest.raises(ValidationError, match="must be an address that begins with"):
        PlaneSettings(jaeger_public_url=url)


def test_the_journey_is_found_by_the_name_that_links_use():
    assert one("dashboard", "throughline-journey").title == "Journey"


def test_whoever_leads_to_lines_and_spans_asks_for_columns_that_both_have():
    shown = set(re.findall(r"columns:!\(([^)]*)\)", JAEGER_UI))
    assert shown == {"service.name,service.node.name,step,took_ms,task_id"}
    computed = Saved.parsed(one("index-pattern", "throughline").attributes["runtimeFieldMap"])
    assert {"step", "took_ms"} <= computed.keys()
    spans = (ROOT / "observability" / "elasticsearch" / "templates" / "jaeger-span.json").read_text()
    properties = orjson.loads(spans)["template"]["mappings"]["properties"]
    assert properties["task_id"]["type"] == properties["service"]["properties"]["name"]["type"] == "alias"
    assert properties["service"]["properties"]["node"]["properties"]["name"]["type"] == "alias"
