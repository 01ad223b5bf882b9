"""Prints what the changelog says of a version, for a release's page: `python -m deploy.release_notes v0.2.0`.

It also refuses a tag that is not the version of the package and of the chart: three numbers that only agree by care.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

_ROOT: Final = Path(__file__).resolve().parents[1]
_TAG: Final = re.compile(r"v(?P<version>\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")
_HEADING: Final = re.compile(r"^## \[(?P<version>[^\]]+)\](?P<rest>.*)$", re.MULTILINE)
_DATE: Final = re.compile(r" - \d{4}-\d{2}-\d{2}")
_LINK: Final = re.compile(r"^\[[^\]]+\]: \S+$", re.MULTILINE)


class WrongRelease(ValueError):
    """The tag, the versions and the changelog do not fit together; the message says what to change."""


def main(arguments: Sequence[str]) -> int:
    try:
        if len(arguments) != 1:
            raise WrongRelease("one tag is needed, such as v0.2.0")
        version = version_of(arguments[0])
        check_versions(
            version, (_ROOT / "pyproject.toml").read_text(), (_ROOT / "deploy/helm/throughline/Chart.yaml").read_text()
        )
        notes = section((_ROOT / "CHANGELOG.md").read_text(), version)
    except WrongRelease as wrong:
        sys.stderr.write(f"release notes: {wrong}\n")
        return 1
    sys.stdout.write(notes)
    return 0


def version_of(tag: str) -> str:
    if not (found := _TAG.fullmatch(tag)):
        raise WrongRelease(f"the tag {tag!r} is not a version such as v0.2.0 or v0.2.0-rc.1")
    return found["version"]


def check_versions(version: str, pyproject: str, chart: str) -> None:
    package = re.search(r'^version = "(.*)"$', pyproject, re.MULTILINE)
    described = yaml.safe_load(chart)
    found = {
        "version in pyproject.toml": package[1] if package else "missing",
        "version in Chart.yaml": str(described["version"]),
        "appVersion in Chart.yaml": str(described["appVersion"]),
    }
    for name, value in found.items():
        if value != version:
            raise WrongRelease(f"the tag is v{version}, the {name} is {value}: make them the same and tag that commit")


def section(changelog: str, version: str) -> str:
    """The text below the version's heading, which must have a date, up to the next version's."""
    headings = list(_HEADING.finditer(changelog))
    at = next((number for number, heading in enumerate(headings) if heading["version"] == version), None)
    if at is None:
        raise WrongRelease(
            f"CHANGELOG.md has no heading `## [{version}] - DATE`: give the one of [Unreleased] this name"
        )
    heading, *later = headings[at:]
    if not _DATE.fullmatch(heading["rest"]):
        raise WrongRelease(
            f"CHANGELOG.md: the heading of [{version}] needs its date, as in `## [{version}] - 2026-01-31`"
        )
    text = changelog[heading.end() : later[0].start() if later else len(changelog)]
    if not (text := _LINK.sub("", text).strip()):
        raise WrongRelease(f"CHANGELOG.md says nothing of [{version}]")
    return f"{text}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
