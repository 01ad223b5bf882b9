"""docs/howto/add-a-task.md, followed word by word in an empty folder outside of the checkout."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.nine import COMMAND, ROOT, Nine

PAGE = (ROOT / "docs" / "howto" / "add-a-task.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """The block of code that the page gives under the name of a file."""
    found = re.search(rf"`\./{re.escape(name)}`[^\n]*\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, name
    return found[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the page's two files and nothing else."""
    mine = tmp_path_factory.mktemp("mine")
    assert not mine.is_relative_to(ROOT)
    for name in ("my_tasks.py", "test_my_tasks.py"):
        (mine / name).write_text(block(name), encoding="utf-8")
    return mine


@pytest.fixture(scope="module")
def nine(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nine]:
    """Started in the folder, with the page's variables."""
    variables = dict(re.findall(r"(\w+)=(\S+)", re.search(r"^export (.*)$", PAGE, re.MULTILINE)[1]))  # type: ignore[index]
    assert variables.keys() == {"TASK_MODULES", "PYTHONPATH"}
    running = Nine(tmp_path_factory.mktemp("own") / "var", API_REPLICAS="1", WORKER_REPLICAS="1", **variables)
    running.folder = folder
    with running:
        yield running


def test_the_pages_test_passes(folder: Path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_the_pages_commands_run_the_task_and_its_journey_shows_its_phase(nine: Nine, wait_until: Callable[..., Any]):
    submit, journey = re.findall(r"^\$THROUGHLINE/\.venv/bin/throughline (submit .*|journey .*)$", PAGE, re.MULTILINE)
    told = subprocess.run(
        f"{COMMAND} {submit}", shell=True, env=nine.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 0, told.stderr
    assert '"words": 6' in told.stdout

    def shown() -> str:
        return nine.run(*journey.split()).stdout

    wait_until(lambda: "split" in shown(), 20, "the phase is in the journey")
    for words in ("WORDS-1  SUCCESS in", "waited in low", "ran word_count → SUCCESS", "validate"):
        assert words in shown()


def test_it_is_submitted_through_nginx_and_seen_with_its_phase_below_its_run(
    nine: Nine, wait_until: Callable[..., Any]
):
    with nine.http() as client:
        body = {"task_type": "word_count", "data": {"text": "to be or not to be"}}
        answer = client.post("/api/v1/tasks", json=body, headers={"X-Request-ID": "WORDS-2"})
        assert answer.status_code == 201, answer.text
        task = client.get(f"/api/v1/tasks/{answer.json()['task_id']}", params={"wait": 20}).json()
        assert (task["status"], task["result"], task["queue"]) == ("SUCCESS", {"words": 6}, "low")
        offered = {each["task_type"] for each in client.get("/api/v1/task-types").json()["task_types"]}
        page = client.get("/journeys/WORDS-2", headers={"Accept": "text/html"})
    assert offered == {
        "word_count",
        "backtest_var",
        "calculate_var",
        "monte_carlo_pricing",
        "portfolio_optimization",
        "stress_test",
    }

    def steps() -> list[dict[str, Any]]:
        told = nine.run("journey", "WORDS-2", "--json")
        return _steps(json.loads(told.stdout)) if told.returncode == 0 else []

    wait_until(lambda: "split" in {step["name"] for step in steps()}, 20, "the phase is in the journey")
    by_name = {step["name"]: step for step in steps()}
    assert by_name["split"]["parent_span_id"] == by_name["run word_count"]["span_id"]
    assert page.status_code == 200


def _steps(journey: Any) -> list[dict[str, Any]]:
    """Every step, however deep it lies in the document."""
    if isinstance(journey, list):
        return [step for part in journey for step in _steps(part)]
    if not isinstance(journey, dict):
        return []
    own = [journey] if "span_id" in journey and "name" in journey else []
    return own + [step for part in journey.values() for step in _steps(part)]
