"""Where the time of many tasks went, as Elasticsearch adds it up: the same figures as from every single span."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.stack.load import Load, send
from tests.stack.searching import all_done, spans_by_name
from tests.stack.stack import Stack
from tests.system.nine import COMMAND
from throughline.journey import elasticsearch as journeys
from throughline.journey.elasticsearch_client import Unanswered
from throughline.profile import Figures, Key, Profile, Step, Window, elasticsearch
from throughline.profile.durations import Durations
from throughline.profile.step import step_of

Wait = Callable[..., Any]
TASKS = 60
STEPS = ("nginx", "api", "publish medium", "wait medium", "run calculate_var", "validate", "simulate")


@pytest.fixture(scope="module")
def sent(stack: Stack, wait_until: Wait) -> tuple[Load, Window]:
    """Tasks that have ended, with all their spans in Elasticsearch; and as many requests that only ask for one."""
    time.sleep(1)  # what earlier tests sent began before this second
    began = datetime.now(UTC)
    load = send(stack, f"PROFILE-{time.time_ns()}", TASKS, 20)
    assert len(load.accepted) == TASKS, load.refused
    wait_until(lambda: all_done(stack, load.accepted.values()), 60, "all have ended")

    def all_there() -> bool:
        try:
            seen = spans_by_name(stack, load.prefix)
        except Unanswered:  # the index of the first spans is being made
            return False
        return all(seen[name] >= TASKS for name in STEPS)

    wait_until(all_there, 90, f"each step's spans are in Elasticsearch: {STEPS}, {TASKS} of each")
    return load, Window(began, datetime.now(UTC))


@pytest.fixture(scope="module")
def counted(stack: Stack, sent: tuple[Load, Window]) -> Mapping[Key, Figures]:
    """The same from the spans themselves."""
    found = Durations()
    with stack.reader() as client:
        for correlation_id in sent[0].accepted:
            for span in journeys.find(client, correlation_id).spans:
                phase, attempt = "phase" in span.attributes, span.attributes.get("attempt")
                step = step_of(span.service, span.kind, span.name, phase=phase, attempt=attempt)
                if step and (task_type := span.attributes.get("task_type")):
                    key = Key(str(task_type), step, span.name if phase else "")
                    found.add(key, span.end_ns - span.start_ns)
    return found.figures()


def test_the_figures_are_those_of_the_spans_themselves(
    stack: Stack, sent: tuple[Load, Window], counted: Mapping[Key, Figures]
):
    told = _figures(_profile(stack, sent[1]))

    assert {key.name for key in told} >= {"nginx", "api", "publish", "wait", "run", "validate", "simulate"}
    assert {key: each.count for key, each in told.items()} == {key: each.count for key, each in counted.items()}
    assert told[Key("calculate_var", Step.NGINX)].count == TASKS  # and none of those that asked for a task
    for key, each in told.items():
        exact = counted[key]
        assert each.total_ns == exact.total_ns, key
        for estimate, of_all in ((each.p50_ns, exact.p50_ns), (each.p95_ns, exact.p95_ns), (each.p99_ns, exact.p99_ns)):
            assert estimate == pytest.approx(of_all, rel=0.15, abs=1_000_000), key


def test_the_shares_add_up(stack: Stack, sent: tuple[Load, Window]):
    for each in _profile(stack, sent[1]).types:
        assert sum(step.share for step in each.steps) == pytest.approx(1)


def test_one_type_of_task_may_be_asked_for(stack: Stack, sent: tuple[Load, Window]):
    assert [each.task_type for each in _profile(stack, sent[1], "calculate_var").types] == ["calculate_var"]
    assert not _profile(stack, sent[1], "never_heard_of")


def test_the_command_shows_it_from_elasticsearch(stack: Stack, sent: tuple[Load, Window]):
    window = ("--since", sent[1].since.isoformat(), "--until", sent[1].until.isoformat())
    drawn = _command(stack, *window)

    assert drawn.returncode == 0, drawn.stderr
    assert "calculate_var  60 runs" in drawn.stdout
    assert "estimates (t-digest)" in drawn.stdout
    told = json.loads(_command(stack, *window, "--json").stdout)
    assert [step["name"] for step in told["types"][0]["steps"]] == ["nginx", "api", "publish", "wait", "run"]
    assert not told["exact"]


def _profile(stack: Stack, window: Window, task_type: str = "") -> Profile:
    with stack.reader() as client:
        return elasticsearch.profile(client, window, task_type)


def _figures(profile: Profile) -> dict[Key, Figures]:
    return {step.key: step.figures for each in profile.types for step in (*each.steps, *each.phases)}


def _command(stack: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    own = {
        "ELASTICSEARCH_URL": stack.url("ELASTICSEARCH"),
        "ELASTICSEARCH_PASSWORD": stack.secret("READER_PASSWORD"),
    }
    command = [str(COMMAND), "profile", *arguments]
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=30, check=False)
