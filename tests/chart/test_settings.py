"""Every setting that a process reads reaches its pod, and what its pod is given is taken by the process."""

import json
import re
from typing import Any

import pytest

from tests.chart.conftest import CHART
from tests.chart.test_pods import pods
from throughline.local.chart_settings import INSTEAD, READERS

PARTS = ["api", "worker", "monitor", "nginx"]
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))["definitions"]
# What the chart's own entries of `env` need beside the settings.
BESIDE = {"REDIS_PASSWORD", "HISTORY_PASSWORD"}
NGINX_OWN = re.compile("NGINX_.*")


def environment(objects: list[dict[str, Any]], part: str) -> dict[str, str]:
    """Of the part's own container, with a word for what a Secret or the pod itself gives."""
    pod = next(pod for _, pod in pods(objects) if pod["metadata"]["labels"]["app.kubernetes.io/component"] == part)
    entries = next(each["env"] for each in pod["spec"]["containers"] if each["name"] == part)
    given = {entry["name"]: entry.get("value", "given-elsewhere") for entry in entries}
    assert len(given) == len(entries), f"{part} is given a variable twice"
    return {name: re.sub(r"\$\((\w+)\)", lambda it: given[it[1]], value) for name, value in given.items()}


def another(name: str, default: Any) -> Any:
    """A value that the schema takes, and that is not the default."""
    allowed = SCHEMA["variables"][name]
    if "enum" in allowed:
        return next(value for value in allowed["enum"] if value not in (default, str(default).lower()))
    if allowed["type"] == "string":
        return "own"
    if default is None:
        return allowed["minimum"] + 1
    return default + 1 if default + 1 <= allowed.get("maximum", default + 1) else default - 0.5


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("of_the_part", [True, False], ids=["its own settings", "settings for all"])
def test_what_is_set_arrives_in_the_pod(part, of_the_part, render):
    fields = READERS[part].model_fields
    settings = {
        name.upper(): another(name.upper(), field.default)
        for name, field in fields.items()
        if name.upper() not in INSTEAD
    }

    got = environment(render({part: {"settings": settings}} if of_the_part else {"settings": settings}), part)

    assert {name: got[name] for name in settings} == {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()
    }


def test_a_large_number_arrives_as_it_was_written(render):
    got = environment(render({"settings": {"CIRCUIT_MAX_DEPTH": 400_000_000}}), "api")

    assert got["CIRCUIT_MAX_DEPTH"] == "400000000"


def test_the_parts_own_settings_go_before_those_for_every_process(render):
    objects = render({"settings": {"RESULT_TTL_SECONDS": 700}, "monitor": {"settings": {"RESULT_TTL_SECONDS": 800}}})

    assert environment(objects, "monitor")["RESULT_TTL_SECONDS"] == "800"
    assert environment(objects, "api")["RESULT_TTL_SECONDS"] == "700"


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_is_given_nothing_that_its_process_does_not_read(part, render):
    given = environment(render({"demo": {"enabled": True}}), part).keys() - BESIDE

    unread = {name for name in given if name.lower() not in READERS[part].model_fields}

    assert {name for name in unread if not NGINX_OWN.fullmatch(name)} == set()


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("values", [{}, {"demo": {"enabled": True}}], ids=["by itself", "with the demo"])
def test_a_pod_whose_settings_nobody_set_is_given_ones_that_its_process_takes(part, values, render, monkeypatch):
    for reader in READERS.values():
        for name in reader.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment(render(values), part).items():
        monkeypatch.setenv(name, value)

    READERS[part]()
