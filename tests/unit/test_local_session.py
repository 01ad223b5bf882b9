"""Whose processes `down` may end: those of supervisord's session, and of no other."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from throughline.local import session

WAITS = [sys.executable, "-c", "input()"]


@pytest.fixture
def leader() -> Iterator[int]:
    with subprocess.Popen(WAITS, stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process.pid
        process.kill()


@pytest.fixture
def pid_file(tmp_path: Path, leader: int) -> Path:
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf" / "supervisord.pid"
    path.write_text(f"{leader}\n")
    return path


def test_the_members_of_a_session_are_found(leader: int):
    assert session.members(leader) == [leader]
    assert os.getpid() not in session.members(leader)


def test_a_pid_that_another_program_has_by_now_is_not_taken_for_supervisord(tmp_path: Path, pid_file: Path):
    assert session.recorded_leader(tmp_path) is None


def test_a_supervisor_that_has_ended_still_names_its_session(tmp_path: Path, pid_file: Path):
    with subprocess.Popen(WAITS, stdin=subprocess.DEVNULL) as ended:
        ended.wait()
    pid_file.write_text(str(ended.pid))

    assert session.recorded_leader(tmp_path) == ended.pid


def test_a_pid_file_from_before_the_machine_started_is_ignored(tmp_path: Path, pid_file: Path):
    pid_file.write_text("4194304")
    os.utime(pid_file, (1, 1))

    assert session.recorded_leader(tmp_path) is None


def test_both_ways_of_listing_find_this_process():
    for listed in (session._from_proc, session._from_ps):
        assert os.getpid() in dict(listed())
