"""NGINX and redis-server are found beside a user's PATH too; when missing, one line says what to install."""

from pathlib import Path

import pytest

from throughline.local import installed
from throughline.local.run import CannotRun


def program(folder: Path, name: str) -> None:
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def test_a_program_in_a_folder_of_roots_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    on_path, beside = tmp_path / "bin", tmp_path / "sbin"
    on_path.mkdir()
    beside.mkdir()
    program(on_path, "redis-server")
    program(beside, "nginx")
    monkeypatch.setenv("PATH", str(on_path))
    monkeypatch.setattr(installed, "_BESIDE_PATH", (str(beside),))

    assert installed.require() == {"nginx": str(beside / "nginx"), "redis-server": str(on_path / "redis-server")}


def test_missing_programs_are_named_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program(tmp_path, "nginx")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(installed, "_BESIDE_PATH", ())
    monkeypatch.setattr("sys.platform", "linux")

    with pytest.raises(CannotRun, match=r"^redis-server not found: sudo apt-get install redis-server$"):
        installed.require()
