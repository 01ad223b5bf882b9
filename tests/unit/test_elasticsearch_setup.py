"""What `setup` declares: the vocabulary as a mapping, rights for the work only, passwords from the environment."""

from typing import Any, cast

import pytest

from monitor.plane.setup import set_up
from monitor.plane.templates import all_templates
from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.telemetry import vocabulary

PASSWORDS = {f"{name}_PASSWORD": f"{name.lower()}-secret" for name in ("FILEBEAT", "JAEGER", "READER", "KIBANA")}


class Elasticsearch:
    """Remembers what was declared; without the modules whose paths are given."""

    def __init__(self, *missing: str) -> None:
        self.declared: dict[str, Any] = {}
        self._missing = missing

    def ask(self, method: str, path: str, body: object = None) -> Any:
        if path in self._missing:
            raise Unanswered("no handler found", 400)
        if method == "PUT":
            self.declared[path] = body
        return {}


def declared(*missing: str, passwords: dict[str, str] = PASSWORDS) -> dict[str, Any]:
    server = Elasticsearch(*missing)
    set_up(cast("Client", server), passwords)
    return server.declared


def test_every_field_of_the_vocabulary_is_in_the_mapping_and_no_other_is_accepted():
    mappings = all_templates()["logs-throughline"]["template"]["mappings"]

    assert mappings["properties"].keys() == vocabulary.load()["fields"].keys()
    assert mappings["dynamic"] == "strict"
    assert mappings["properties"]["correlation_id"]["type"] == "keyword"


def test_lines_are_kept_seven_days():
    streams = [t for t in all_templates().values() if "data_stream" in t]
    assert [t["template"]["lifecycle"] for t in streams] == [{"data_retention": "7d"}] * 2


def test_one_name_finds_a_line_and_a_span():
    properties = all_templates()["throughline-jaeger-span"]["template"]["mappings"]["properties"]

    assert properties["correlation_id"] == {"type": "alias", "path": "tag.correlation_id"}
    assert properties["tag"]["properties"]["correlation_id"]["type"] == "keyword"
    assert properties["@timestamp"]["path"] == "startTimeMillis"


def test_whoever_may_write_finds_its_template():
    kinds = [path.split("/")[1] for path in declared()]

    last_template = max(number for number, kind in enumerate(kinds) if kind == "_index_template")
    assert last_template < kinds.index("_security")


def test_the_kibana_of_somebody_else_keeps_its_password():
    paths = declared(passwords=PASSWORDS | {"KIBANA_PASSWORD": ""})

    assert "/_security/user/kibana_system/_password" not in paths
    assert "/_security/user/throughline_reader" in paths


def test_users_get_their_passwords_from_the_environment_and_no_wide_rights():
    found = declared()

    assert found["/_security/user/throughline_filebeat"]["password"] == "filebeat-secret"
    assert found["/_security/user/kibana_system/_password"] == {"password": "kibana-secret"}
    for path, role in found.items():
        if path.startswith("/_security/role/"):
            assert role["cluster"] == ["monitor"]
            assert not {"all", "delete", "manage", "write"} & {p for i in role["indices"] for p in i["privileges"]}
    assert "read" not in found["/_security/role/throughline_filebeat"]["indices"][0]["privileges"]


def test_spans_are_removed_after_seven_days_where_elasticsearch_can():
    found = declared()

    assert found["/_ilm/policy/throughline"]["policy"]["phases"]["delete"]["min_age"] == "7d"
    settings = found["/_index_template/throughline-jaeger-span"]["template"]["settings"]
    assert settings["index.lifecycle.name"] == "throughline"


def test_an_elasticsearch_that_cannot_remove_old_data_is_set_up_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
):
    found = declared("/_ilm/policy", "/_data_stream/*/_lifecycle")

    assert "/_ilm/policy/throughline" not in found
    assert "index.lifecycle.name" not in found["/_index_template/throughline-jaeger-span"]["template"]["settings"]
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "This Elasticsearch has no index lifecycle management: spans older than 7 days stay",
        "This Elasticsearch has no data stream lifecycle: lines older than 7 days stay",
    ]


def test_a_missing_password_is_named():
    with pytest.raises(KeyError, match="FILEBEAT_PASSWORD"):
        set_up(cast("Client", Elasticsearch()), {})
