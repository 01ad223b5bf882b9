"""A new version comes while clients send: by `helm upgrade`, and by deploy/release, which goes back from a bad one."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from tests.cluster import images
from tests.cluster.release import Release
from tests.command import ROOT
from tests.stack.load import Load, sending_on
from throughline.client import Client

Wait = Callable[..., object]
_SECONDS = 300


@pytest.fixture(scope="module")
def other(release: Release) -> str:
    """The tag of a next version. Nothing is put back at the end: test_scaling.py says every value anew."""
    return images.another(release.tag)


def test_an_upgrade_of_all_parts_fails_no_request_and_takes_no_submission_twice(
    release: Release, other: str, wait_until: Wait
):
    began = datetime.now(UTC)
    with _clients(release, "upgrade") as load:
        release.upgrade("--set", f"image.tag={other}", seconds=300)
        wait_until(lambda: _has_settled(release), 120, "the old pods have ended")
    assert load.refused == [], load.refused[:5]
    assert len(load.seconds) > 300
    assert release.images("nginx") | release.images("api") == {
        f"throughline/{part}:{other}" for part in ("nginx", "api")
    }
    assert _submissions(release, load, began) == Counter(dict.fromkeys(load.accepted, 1))


def test_a_run_that_was_killed_is_finished_by_the_next_one_and_no_request_fails(release: Release, other: str):
    with _clients(release, "release") as load:
        # Its pods start while the next run finds out that this one is dead.
        _kill_after(release, release.tag, "green is brought up with")
        said, code = _released(release, release.tag)
    assert code == 0, said
    assert "Its work is taken over" in said
    assert re.search(r"✓ journey of release-", said), said
    assert load.refused == [], load.refused[:5]
    assert release.images("api", colour="green") == {f"throughline/api:{release.tag}"}
    assert release.images("worker") == {f"throughline/worker:{release.tag}"}
    assert release.images("api", colour="blue") == set()


def test_a_tag_that_does_not_exist_stops_the_release_and_the_old_version_serves(release: Release, other: str):
    before = release.images("api")
    said, code = _released(release, "no-such-tag")
    assert code == 1, said
    assert re.search(r"(ErrImageNeverPull|ImagePullBackOff): throughline/\w+:no-such-tag", said), said
    assert release.images("api") == before
    with release.http() as client:
        assert client.get("/health").json()["status"] == "healthy"


def test_a_version_that_answers_with_errors_is_switched_back_from(release: Release, other: str, wait_until: Wait):
    before = release.images("api")
    with _clients(release, "faulty") as load:
        said, code = _released(release, images.faulty(release.tag))
        errors, answers = len(load.refused), len(load.seconds)
        wait_until(lambda: len(load.seconds) > answers + 100, 30, "requests go on")
    assert code == 3, said
    named = re.search(r"answers are errors: .* Correlation IDs: (.*)", said)
    assert named, said
    # One of the clients', or one that the run sent itself.
    assert re.match(rf"{load.prefix}-\d+|release-", named[1])
    assert errors > 0
    assert len(load.refused) == errors, "the old version serves again"
    assert release.images("api") == before


def _clients(release: Release, name: str) -> AbstractContextManager[Load]:
    return sending_on(release, f"{name}-{release.name}", per_second=20, submit_every=5)


def _submissions(release: Release, load: Load, began: datetime) -> Counter[str]:
    """How many tasks there are of each correlation ID."""
    with release.http() as client, Client(str(client.base_url)) as asking:
        found = [task.correlation_id for task in asking.tasks(submitted_after=began)]
    return Counter(name for name in found if name.startswith(f"{load.prefix}-"))


def _has_settled(release: Release) -> bool:
    pods = [pod for part in ("nginx", "api", "worker") for pod in release.pods(part)]
    return all(pod.ready and not pod.ending for pod in pods)


def _command(release: Release, tag: str) -> list[str]:
    options = {"--namespace": release.namespace, "--release": release.name, "--tag": tag, "--watch": "12"}
    given = [word for option in options.items() for word in option]
    return [sys.executable, "deploy/release", *given, "--context", release.cluster.context]


def _released(release: Release, tag: str) -> tuple[str, int]:
    """What it said, and its exit code."""
    done = subprocess.run(
        _command(release, tag), cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    return done.stdout + done.stderr, done.returncode


def _kill_after(release: Release, tag: str, words: str) -> None:
    with subprocess.Popen(_command(release, tag), cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        said = []
        for line in running.stdout:
            said.append(line)
            if words in line:
                running.kill()
                return
    pytest.fail(f"it never said {words!r}: {''.join(said)}")
