"""The version is taken, refused and defaulted alike by our processes and by NGINX's container."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from pydantic import ValidationError

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
def test_without_one_it_is_the_packages(unset: str | None, monkeypatch):
    monkeypatch.setenv("SERVICE_VERSION", unset or "")

    assert ProcessSettings().service_version == NginxSettings().service_version == version("throughline")
    assert of_nginx(unset).stdout == f"{version('throughline')}\n"
