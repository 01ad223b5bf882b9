"""Supervisor's socket: a short path, in a folder that is the user's alone."""

import tempfile
from pathlib import Path

import pytest

from throughline.local import control_socket
from throughline.local.run import CannotRun


def test_a_deep_checkout_has_a_short_path_even_when_the_temporary_folder_is_deep(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    deep = tmp_path.joinpath(*["folder"] * 30)
    assert len(control_socket.path(deep)) <= 100

    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert len(control_socket.path(deep)) <= 100


def test_two_checkouts_have_two_sockets(tmp_path: Path):
    assert control_socket.path(tmp_path / "a") != control_socket.path(tmp_path / "b")


def test_the_folder_is_the_users_alone(tmp_path: Path):
    control_socket.make_folder(str(tmp_path / "throughline" / "supervisor.sock"))
    control_socket.make_folder(str(tmp_path / "throughline" / "supervisor.sock"))

    assert (tmp_path / "throughline").stat().st_mode & 0o777 == 0o700


def test_a_folder_open_to_others_is_refused(tmp_path: Path):
    (tmp_path / "throughline").mkdir(mode=0o755)

    with pytest.raises(CannotRun, match="open to others"):
        control_socket.make_folder(str(tmp_path / "throughline" / "supervisor.sock"))
