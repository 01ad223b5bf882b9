"""NGINX and redis-server are found beside a user's PATH too; when missing, one line says what to install."""

from pathlib import Path

import pytest

from throughline.local import installed
from throughline.local.run import CannotRun


def program(folder: Path, name: str, prints: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{prints}'\n")
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


@pytest.mark.parametrize(("version", "suits"), [("6.2.14", False), ("7.0.15", True), ("8.2.1", True), ("10.0.0", True)])
def test_a_redis_that_is_too_old_for_the_scripts_is_told(monkeypatch, tmp_path, version, suits):
    program(tmp_path, "nginx")
    program(tmp_path, "redis-server", f"Redis server v={version} sha=00000000:0 malloc=jemalloc-5.3.0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    if suits:
        assert installed.require()["redis-server"] == str(tmp_path / "redis-server")
        return
    with pytest.raises(CannotRun, match=rf"is Redis server v={version}: please install Redis 7\.0 or newer$"):
        installed.require()
