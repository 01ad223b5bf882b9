"""The packed chart: whole without the checkout, and of the version and registry that it is released with."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.command import ROOT

_TAG = "v0.0.0-packed"


def chart(action: str, tag: str, registry: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", "deploy/chart.sh", action]
    environment = os.environ | {"TAG": tag, "REGISTRY": registry}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def package() -> Path:
    done = chart("pack", _TAG, "registry.example.com/Some")
    assert done.returncode == 0, done.stderr
    return ROOT / "var" / "chart" / "throughline-0.0.0-packed.tgz"


def test_it_holds_what_the_charts_links_lead_to(package):
    linked = [path for path in (ROOT / "deploy" / "helm" / "throughline").rglob("*") if path.is_symlink()]
    files = [file for link in linked for file in (link.rglob("*") if link.is_dir() else [link]) if file.is_file()]
    assert files
    with tarfile.open(package) as packed:
        sizes = {member.name: member.size for member in packed.getmembers() if member.isfile()}
    for file in files:
        if file.suffix != ".md":  # .helmignore
            name = f"throughline/{file.relative_to(ROOT / 'deploy' / 'helm' / 'throughline')}"
            assert sizes.get(name) == file.stat().st_size, name


def test_it_takes_its_images_from_where_they_were_pushed_under_its_version(package):
    done = subprocess.run(
        ["helm", "template", "x", str(package)], capture_output=True, text=True, timeout=120, check=True
    )
    pods = [
        each["spec"]["template"]["spec"]
        for each in yaml.safe_load_all(done.stdout)
        if each and each["kind"] == "Deployment"
    ]
    images = {container["image"] for pod in pods for container in pod["containers"]}
    for part in ("nginx", "api", "worker", "monitor"):
        assert f"registry.example.com/some/throughline/{part}:0.0.0-packed" in images


def test_what_was_not_packed_is_not_pushed():
    done = chart("push", "v0.0.0-missing", "registry.example.com")
    assert done.returncode == 1
    assert done.stderr == "chart: var/chart/throughline-0.0.0-missing.tgz is missing: 'make chart' makes it\n"
