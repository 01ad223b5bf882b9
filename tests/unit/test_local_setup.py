"""setup.sh on machines that lack something: one line says what, and nothing is made."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[2] / "throughline" / "local" / "setup.sh"
PYTHONS = ("python3", "python3.11", "python3.12", "python3.13", "python3.14")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One with setup.sh and, ahead on the PATH, programs that do nothing."""
    for folder in ("throughline/local", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(SETUP, tmp_path / "throughline" / "local")
    for name in ("nginx", "redis-server"):
        program(tmp_path, name, "exit 0")
    for name in PYTHONS:
        program(tmp_path, name, "exit 1")
    return tmp_path


def program(checkout: Path, name: str, does: str) -> None:
    path = checkout / "bin" / name
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)


def setup(checkout: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    path = f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", checkout / "throughline" / "local" / "setup.sh", *arguments],
        env={"PATH": path, "HOME": str(checkout)} | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_python_that_does_not_run_is_skipped_and_reported_if_no_other_does(checkout: Path):
    answer = setup(checkout)

    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert "no Python 3.11 or newer found" in answer.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_variable_that_names_no_python_is_an_error(checkout: Path):
    answer = setup(checkout, PYTHON="/nowhere/python")

    assert answer.returncode == 1
    assert answer.stderr == "setup: PYTHON=/nowhere/python is not a Python 3.11 or newer\n"


def test_a_missing_server_that_may_not_be_installed_is_named(checkout: Path):
    (checkout / "bin" / "nginx").unlink()
    program(checkout, "id", "echo 1000")
    program(checkout, "sudo", "exit 1")
    program(checkout, "uname", "echo Linux")
    # The system's own nginx, if there is one, is out of sight.
    script = checkout / "throughline" / "local" / "setup.sh"
    script.write_text(script.read_text().replace("PATH=$PATH:", f"PATH={checkout / 'bin'} #"))
    for tool in ("sh", "dirname", "apt-get"):
        program(checkout, tool, f'exec /usr/bin/{tool} "$@"')

    answer = setup(checkout)

    assert answer.returncode == 1
    assert answer.stderr == "setup: nginx missing. Please install: sudo apt-get install nginx\n"


def test_a_missing_browser_that_may_not_be_installed_is_named(checkout: Path):
    program(checkout, "uname", "echo Linux")
    script = checkout / "throughline" / "local" / "setup.sh"
    script.write_text(script.read_text().replace("PATH=$PATH:", f"PATH={checkout / 'bin'} #"))
    for tool in ("sh", "dirname"):
        program(checkout, tool, f'exec /usr/bin/{tool} "$@"')

    answer = setup(checkout, "browser")

    assert answer.returncode == 1
    assert answer.stderr == "setup: chromium missing. Please install: sudo apt-get install chromium\n"


def test_a_browser_that_is_there_is_left_alone(checkout: Path):
    program(checkout, "google-chrome", "exit 0")
    program(checkout, "apt-get", "exit 1")

    answer = setup(checkout, "browser")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_nothing_is_done_when_nothing_has_changed(checkout: Path):
    (checkout / "requirements.lock").write_text("")
    (checkout / "pyproject.toml").write_text("")
    (checkout / ".venv" / "bin").mkdir(parents=True)
    program(checkout, "../.venv/bin/python", "echo 3.11.2")
    checksum = subprocess.run(["cksum"], input="", capture_output=True, text=True, check=True).stdout.strip()
    (checkout / ".venv" / ".setup").write_text(f"3.11.2|{checkout}||{checksum}\n")

    answer = setup(checkout)

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
