"""The version is taken, refused and defaulted alike by our processes and by NGINX's container."""

import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.git_checkout import git_commit
from throughline.build_version import build_version
from throughline.settings import NginxSettings, ProcessSettings

ROOT = Path(__file__).resolve().parents[2]
TAGS = ["1", "v1.2.3", "0.1.0-rc.1+build5", "sha-a1865eb", "_local", "V" * 128]
NO_TAGS = [".1", "-1", "+1", '1.0"', "1.0'", "1 0", "1.0\n", "1.0\n2.0", "1.0;", "${pid}", "1/2", "1:2", "é", "V" * 129]


def of_nginx(tag: str | None) -> subprocess.CompletedProcess[str]:
    """What the container's start script fills its template with."""
    script = ROOT / "nginx" / "version.awk"
    given = {} if tag is None else {"SERVICE_VERSION": tag}
    return subprocess.run(
        ["awk", "-f", script, ROOT / "pyproject.toml"],
        check=False,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        timeout=10,
    )


@pytest.mark.parametrize("tag", TAGS)
def test_a_tag_is_taken_as_it_is(tag: str):
    assert ProcessSettings(service_version=tag).service_version == tag
    assert NginxSettings(service_version=tag).service_version == tag
    assert of_nginx(tag).stdout == f"{tag}\n"


@pytest.mark.parametrize("tag", NO_TAGS)
def test_what_is_no_tag_is_refused_in_one_line(tag: str):
    with pytest.raises(ValidationError, match="must be like an image's tag"):
        ProcessSettings(service_version=tag)

    refused = of_nginx(tag)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Wrong setting: SERVICE_VERSION: must be like an image's tag")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("unset", [None, ""])
def test_without_one_it_is_the_builds(unset: str | None, monkeypatch):
    monkeypatch.setenv("SERVICE_VERSION", unset or "")

    assert ProcessSettings().service_version == NginxSettings().service_version == build_version()
    assert of_nginx(unset).stdout == f"{version('throughline')}\n"


def version_sh(checkout: Path) -> str:
    """What deploy/version.sh says there, for images."""
    return subprocess.run(
        ["sh", checkout / "deploy" / "version.sh"], check=True, capture_output=True, text=True, timeout=10
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "version.sh", tmp_path / "deploy")
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "throughline"\nversion = "{version("throughline")}"\n')
    return tmp_path


def test_a_checkout_is_of_its_commit_and_says_when_its_files_are_others(checkout: Path):
    package = version("throughline")
    assert build_version(checkout) == version_sh(checkout) == package

    commit = git_commit(checkout)
    build_version.cache_clear()
    assert build_version(checkout) == version_sh(checkout) == f"{package}+g{commit}"

    with (checkout / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    build_version.cache_clear()
    assert build_version(checkout) == version_sh(checkout) == f"{package}+g{commit}.dirty"
    assert ProcessSettings(service_version=build_version(checkout)).service_version == build_version(checkout)
