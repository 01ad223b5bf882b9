"""A relative PYTHONPATH means the folder in which `throughline up` was called, wherever its processes run."""

from pathlib import Path

import pytest

from throughline.local import python_path


@pytest.mark.parametrize(
    ("given", "absolute"),
    [
        (".", "/home/me"),
        ("tasks:../other", "/home/me/tasks:/home/me/../other"),
        ("/opt/tasks", "/opt/tasks"),
        (":/opt/tasks", "/home/me:/opt/tasks"),
        ("", ""),
    ],
)
def test_relative_entries_become_absolute(given, absolute):
    assert python_path.absolute(given, Path("/home/me")) == absolute
