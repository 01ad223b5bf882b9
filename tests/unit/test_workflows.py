"""The workflows of .github: what they run can be run here, and they may do no more than they must."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").iterdir())
ACTIONS: Final = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
TARGETS: Final = set(re.findall(r"^([a-z][a-z-]*):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))
# A tag can be moved to other code, a commit cannot. The comment is what Dependabot and a reader go by.
PINNED: Final = re.compile(r"^(?:- )?uses: [\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
OWN: Final = re.compile(r"^(?:- )?uses: \./\.github/[\w./-]+$")


def steps(file: Path) -> Iterator[dict[str, Any]]:
    parsed = yaml.safe_load(file.read_text())
    for job in parsed.get("jobs", {}).values():
        yield from job.get("steps", [])
    yield from parsed.get("runs", {}).get("steps", [])


def jobs() -> Iterator[Any]:
    for file in WORKFLOWS:
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            yield pytest.param(job, id=f"{file.name}: {name}")


@pytest.mark.parametrize("file", [*WORKFLOWS, *ACTIONS], ids=lambda file: str(file.relative_to(ROOT / ".github")))
class TestFile:
    def test_every_command_is_a_make_target_that_exists(self, file):
        for step in steps(file):
            if "run" in step:
                command, *targets = step["run"].split()
                assert command in {"make", ".ci/twice"}, step
                assert targets, step
                assert set(targets) <= TARGETS, f"the Makefile has not all of {targets}"

    def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(self, file):
        used = [line.strip() for line in file.read_text().splitlines() if re.match(r"\s*(- )?uses:", line)]
        assert [line for line in used if not PINNED.match(line) and not OWN.match(line)] == []
        for line in filter(OWN.match, used):
            named = ROOT / line.split()[-1]
            assert named.is_file() or (named / "action.yml").is_file(), line

    def test_no_checkout_leaves_its_token_on_the_disk(self, file):
        for step in steps(file):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_may_do_nothing_but_what_a_job_asks_for(file):
    assert yaml.safe_load(file.read_text())["permissions"] == {}


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_says_what_becomes_of_two_runs_at_once(file):
    assert "concurrency" in yaml.safe_load(file.read_text())


@pytest.mark.parametrize("job", list(jobs()))
def test_a_job_asks_for_its_permissions_and_has_a_deadline(job):
    assert job["permissions"]
    if "uses" not in job:  # another workflow's jobs have their own
        assert job["timeout-minutes"] <= 90


def test_one_action_has_one_commit_everywhere():
    commits: dict[str, set[str]] = {}
    for file in [*WORKFLOWS, *ACTIONS]:
        for action, commit in re.findall(r"uses: ([\w./-]+)@(\S+ # \S+)", file.read_text()):
            commits.setdefault(action, set()).add(commit)
    assert {action: found for action, found in commits.items() if len(found) > 1} == {}


def test_a_release_publishes_after_all_that_can_fail():
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())["jobs"]
    before = {"notes"} | set(release["publish"]["needs"])
    assert before == set(release) - {"publish"}
