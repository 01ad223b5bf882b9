"""A history that waiting cannot mend ends api and monitor at start, with one line that says what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import free_port

PROGRAMS = {
    "api": ["-m", "uvicorn", "api.main:app", "--port"],
    "monitor": ["-m", "monitor"],
}


@pytest.fixture
def foreign_file(tmp_path: Path) -> Path:
    file = tmp_path / "notes.txt"
    file.write_text("no database at all, but long enough to be taken for the head of one" * 20)
    return file


def start(program: str, redis_url: str, history_url: str, var: Path) -> "subprocess.CompletedProcess[str]":
    port = str(free_port())
    own = {"REDIS_URL": redis_url, "HISTORY_URL": history_url, "VAR_DIR": str(var), "MONITOR_PORT": port}
    command = [sys.executable, *PROGRAMS[program]] + ([port] if program == "api" else [])
    return subprocess.run(command, env=os.environ | own, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("oracle://scott:tiger@db/x", "oracle"),
        ("sqlite:///{tmp}/none/such/history.sqlite", "such"),
        ("postgresql://user:tiger@host:99999/db", "port"),
    ],
)
def test_a_url_that_is_wrong_is_one_line_without_its_password(program, url, word, redis_url, tmp_path):
    ended = start(program, redis_url, url.format(tmp=tmp_path), tmp_path)
    assert ended.returncode != 0
    line = (ended.stdout + ended.stderr).strip()
    assert "\n" not in line
    assert "HISTORY_URL" in line
    assert word in line.lower()
    assert "tiger" not in line


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_file_that_is_no_database_is_named(program, foreign_file, redis_url, tmp_path):
    ended = start(program, redis_url, f"sqlite:///{foreign_file}", tmp_path)
    assert ended.returncode != 0
    line = (ended.stdout + ended.stderr).strip()
    assert "\n" not in line
    assert "HISTORY_URL" in line
    assert "notes.txt" in line


@pytest.mark.parametrize("folder", ["file", "file/var"])
def test_a_folder_of_the_default_history_that_cannot_be_made_is_told_by_its_own_variable(folder, redis_url, tmp_path):
    (tmp_path / "file").write_text("")
    ended = start("monitor", redis_url, "", tmp_path / folder)
    assert ended.returncode != 0
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert line.startswith(f"Wrong setting: VAR_DIR: the history cannot be kept in {tmp_path / folder}: ")
    assert line.endswith("or another history by HISTORY_URL")
