"""A release of this checkout's chart, installed once for all tests of the cluster."""

import signal
import sys
from collections.abc import Generator, Iterator

import pytest

from tests.cluster import diagnosis
from tests.cluster.cluster import Cluster, Unsuitable
from tests.cluster.release import Release

_RELEASE = pytest.StashKey[Release]()
_measured: dict[str, str] = {}


@pytest.fixture(scope="session")
def release(request: pytest.FixtureRequest) -> Iterator[Release]:
    try:
        cluster = Cluster()
    except Unsuitable as error:
        pytest.exit(str(error), returncode=2)
    say(request, f"The cluster's tests install into namespaces of their own, in the context {cluster.context}.")
    cluster.remove_what_was_left_behind()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was installed is removed
    release = request.config.stash[_RELEASE] = Release(cluster)
    with release:
        yield release
    _measured.update({what: f"{seconds:.0f} s" for what, seconds in release.durations.items()})


@pytest.fixture(scope="session")
def measured() -> dict[str, str]:
    """What was measured → how much; printed at the end."""
    return _measured


def say(request: pytest.FixtureRequest, text: str) -> None:
    """Past the capture: whoever waits reads it at once."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stderr.write(f"{text}\n")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and report.when != "teardown" and _RELEASE in item.config.stash:
        release = item.config.stash[_RELEASE]
        report.sections.append(("The release", diagnosis.of(release.cluster, release.namespace)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, how_much in _measured.items():
        terminalreporter.write_line(f"{what}: {how_much}")
