"""A VAR_DIR that cannot be used ends every command with one line that names it, the reason, and what to do."""

import sys
from pathlib import Path

import pytest

from throughline.cli.main import main
from throughline.local import private_file
from throughline.local.run import unusable

COMMANDS = ["up", "down", "status", "restart", "stop redis", "start redis", "demo", "journey X-1", "logs", "profile"]


def told(command: str, var: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    for name in ("HTTP_PORT", "ELASTICSEARCH_URL", "THROUGHLINE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAR_DIR", str(var))
    monkeypatch.setattr(sys, "argv", ["throughline", *command.split()])
    assert main() == 1
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_in_the_way_is_told_by_every_command(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "file").write_text("")
    for var in (tmp_path / "file", tmp_path / "file" / "var"):
        (line,) = told(command, var, monkeypatch, capsys)
        assert line.startswith(f"VAR_DIR is {var}, which cannot be used: Not a directory")
        assert line.endswith("Choose another folder with VAR_DIR=/a/folder.")


def test_a_path_that_is_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (line,) = told("status", tmp_path / ("x" * 300), monkeypatch, capsys)
    assert "File name too long" in line


def test_a_file_in_it_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "conf").write_text("")
    with pytest.raises(OSError, match="conf") as raised:
        private_file.write(tmp_path / "conf" / "run.json", "{}")
    assert unusable(tmp_path, raised.value).startswith(f"VAR_DIR is {tmp_path}, which cannot be used: ")


def test_what_an_earlier_version_left_open_is_closed_to_others_and_nothing_else(tmp_path: Path):
    for name in ("log/a.jsonl", "redis/appendonlydir/x.aof", "history.sqlite-wal", "pictures/p.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o644)
    private_file.close_to_others(tmp_path)
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o077 for path in tmp_path.rglob("*")}
    assert [name for name, mode in modes.items() if mode] == ["pictures", "pictures/p.png"]
