"""deploy/images.sh: what it asks of Docker, which is a program here that writes down what it is asked."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.git_checkout import git_commit

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("nginx", "api", "worker", "monitor")
DOCKER = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
  "buildx build"*)
    while [ "$1" != --metadata-file ]; do shift; done
    echo '{"containerimage.config.digest": "sha256:cc",' >"$2"
    echo ' "containerimage.digest": "'"sha256:$PUSHED"'"}' >>"$2" ;;
  "buildx imagetools inspect"*) echo sha256:1dec ;;
esac
"""
DIGESTS = {
    f"{part}-{architecture}": f"sha256:{part}{architecture}" for part in PARTS for architecture in ("amd64", "arm64")
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One with images.sh and, ahead on the PATH, a Docker that only listens."""
    for folder in ("deploy", "bin"):
        (tmp_path / folder).mkdir()
    for script in ("images.sh", "version.sh"):
        shutil.copy(ROOT / "deploy" / script, tmp_path / "deploy")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "throughline"\nversion = "1.2.3"\n')
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    return tmp_path


def images(checkout: Path, step: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    variables = {"PATH": f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}", "CALLS": str(checkout / "calls")}
    command = ["sh", str(checkout / "deploy" / "images.sh"), step]
    return subprocess.run(
        command, env=variables | environment, cwd=checkout, capture_output=True, text=True, timeout=30, check=False
    )


def calls(checkout: Path) -> list[str]:
    return (checkout / "calls").read_text().splitlines()


def write_digests(checkout: Path) -> None:
    folder = checkout / "var" / "images"
    folder.mkdir(parents=True)
    for name, digest in DIGESTS.items():
        (folder / name).write_text(f"{digest}\n")


def test_the_four_are_built_under_the_version_of_the_package(checkout):
    assert images(checkout, "build").returncode == 0

    assert [call.split("--tag ")[1] for call in calls(checkout)] == [f"throughline/{part}:1.2.3 ." for part in PARTS]
    assert (
        "--file deploy/Dockerfile --target worker --build-arg PART=worker --build-arg VERSION=1.2.3"
        in calls(checkout)[2]
    )


def test_images_of_a_checkout_are_of_its_commit_all_four_alike(checkout):
    commit = git_commit(checkout)

    images(checkout, "build")

    assert all(f"VERSION=1.2.3+g{commit} " in call for call in calls(checkout))
    assert all(f"throughline/{part}:1.2.3 " in call for part, call in zip(PARTS, calls(checkout), strict=True))


def test_a_tag_of_a_release_is_a_version_after_a_v_and_names_are_in_lower_case(checkout):
    images(checkout, "build", TAG="v2.0.0", REGISTRY="ghcr.io/Example", SOURCE="https://example.com/a")

    assert all("VERSION=2.0.0" in call and "SOURCE=https://example.com/a" in call for call in calls(checkout))
    assert calls(checkout)[0].endswith("--tag ghcr.io/example/throughline/nginx:2.0.0 .")


def test_images_are_pushed_by_digest_without_a_tag_and_the_digests_are_kept(checkout):
    assert images(checkout, "push", REGISTRY="ghcr.io/example", PUSHED="abc123").returncode == 0

    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    for part, call in zip(PARTS, calls(checkout), strict=True):
        assert f"name=ghcr.io/example/throughline/{part},push-by-digest=true" in call
        assert "--provenance mode=max --sbom true" in call
        assert "--tag" not in call
        assert (checkout / "var" / "images" / f"{part}-{architecture}").read_text() == "sha256:abc123\n"


def test_what_was_pushed_is_what_is_pulled_and_gets_the_tag(checkout):
    write_digests(checkout)

    assert images(checkout, "pull", REGISTRY="ghcr.io/example", PULL_AS="ci").returncode == 0
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    pulled = f"ghcr.io/example/throughline/nginx@sha256:nginx{architecture}"
    assert calls(checkout)[:2] == [f"pull {pulled}", f"tag {pulled} throughline/nginx:ci"]

    (checkout / "calls").unlink()
    assert images(checkout, "index", REGISTRY="ghcr.io/example", TAG="v2.0.0").returncode == 0
    name = "ghcr.io/example/throughline/api"
    joined = f"buildx imagetools create --tag {name}:2.0.0 {name}@sha256:apiamd64 {name}@sha256:apiarm64"
    assert joined in calls(checkout)
    assert f"1dec  {name}\n" in (checkout / "var" / "images" / "checksums").read_text()


def test_an_architecture_that_was_not_pushed_ends_the_release(checkout):
    write_digests(checkout)
    (checkout / "var" / "images" / "api-arm64").unlink()

    answer = images(checkout, "index", REGISTRY="ghcr.io/example")

    assert answer.returncode == 1
    assert answer.stderr == "images: var/images/api-arm64 is missing: 'make images-push' writes it\n"
    assert not any("throughline/api:" in call for call in calls(checkout))


@pytest.mark.parametrize("step", ["push", "pull", "index"])
def test_without_a_registry_nothing_is_pushed(checkout, step):
    answer = images(checkout, step)

    assert answer.returncode == 1
    assert answer.stderr == f"images: {step} needs REGISTRY, such as ghcr.io/example\n"


@pytest.mark.parametrize("step", ["", "publish"])
def test_another_step_is_refused(checkout, step):
    answer = images(checkout, step)

    assert answer.returncode == 1
    assert answer.stderr == f"images: '{step}' is none of build, push, pull, index\n"
