"""A release's page: the changelog's section, and one line where tag, versions and changelog do not fit together."""

import re
from pathlib import Path

import pytest

from deploy import release_notes
from deploy.release_notes import WrongRelease, check_versions, section, version_of

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-11-26

### Added
- A chart.

### Fixed
- `## [9.9.9]` within a line is text.

## [0.1.0] - 2026-11-01
- The first.

[Unreleased]: https://example.com/compare/v0.2.0...HEAD
[0.2.0]: https://example.com/v0.2.0
"""


def test_a_version_has_the_text_up_to_the_next_one():
    assert section(CHANGELOG, "0.2.0") == "### Added\n- A chart.\n\n### Fixed\n- `## [9.9.9]` within a line is text.\n"


def test_the_last_version_ends_before_the_links():
    assert section(CHANGELOG, "0.1.0") == "- The first.\n"


@pytest.mark.parametrize(
    ("changelog", "version", "told"),
    [
        (CHANGELOG, "0.3.0", "has no heading `## [0.3.0] - DATE`"),
        (CHANGELOG, "0.2", "has no heading `## [0.2] - DATE`"),
        ("", "0.2.0", "has no heading"),
        ("## [0.2.0]\n- A chart.\n", "0.2.0", "the heading of [0.2.0] needs its date"),
        ("## [0.2.0] - soon\n- A chart.\n", "0.2.0", "the heading of [0.2.0] needs its date"),
        ("## [0.2.0] - 2026-11-26\n\n## [0.1.0] - 2026-11-01\n- The first.\n", "0.2.0", "says nothing of [0.2.0]"),
    ],
)
def test_a_changelog_that_is_not_ready_for_the_version_is_one_clear_line(changelog, version, told):
    with pytest.raises(WrongRelease, match=re.escape(told)) as wrong:
        section(changelog, version)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(("tag", "version"), [("v0.2.0", "0.2.0"), ("v10.20.30-rc.1", "10.20.30-rc.1")])
def test_a_tag_is_a_version_after_a_v(tag, version):
    assert version_of(tag) == version


@pytest.mark.parametrize("tag", ["", "v", "0.2.0", "v0.2", "v0.2.0.1", "v0.2.0+x", "v0.2.0\n", "release-1"])
def test_another_tag_is_refused(tag):
    with pytest.raises(WrongRelease, match=r"is not a version such as v0\.2\.0"):
        version_of(tag)


@pytest.mark.parametrize(
    ("pyproject", "chart", "told"),
    [
        ('version = "0.1.0"', "{version: 0.2.0, appVersion: 0.2.0}", "the version in pyproject.toml is 0.1.0"),
        ('version = "0.2.0"', "{version: 0.1.0, appVersion: 0.2.0}", "the version in Chart.yaml is 0.1.0"),
        ('version = "0.2.0"', "{version: 0.2.0, appVersion: 0.1.0}", "the appVersion in Chart.yaml is 0.1.0"),
        ("", "{version: 0.2.0, appVersion: 0.2.0}", "the version in pyproject.toml is missing"),
    ],
)
def test_a_tag_that_is_not_the_version_is_refused(pyproject, chart, told):
    with pytest.raises(WrongRelease, match=re.escape(f"the tag is v0.2.0, {told}")):
        check_versions("0.2.0", pyproject, chart)


def test_package_and_chart_have_the_same_version():
    pyproject = (ROOT / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.*)"$', pyproject, re.MULTILINE)
    assert version
    check_versions(version[1], pyproject, (ROOT / "deploy" / "helm" / "throughline" / "Chart.yaml").read_text())


def test_the_command_tells_an_error_in_one_line(capsys):
    assert release_notes.main(["v99.0.0"]) == 1
    assert release_notes.main([]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[0].startswith("release notes: the tag is v99.0.0, the version in pyproject.toml is")
    assert told.err.splitlines()[1:] == ["release notes: one tag is needed, such as v0.2.0"]
