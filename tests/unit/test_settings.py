"""A wrong setting ends a process before it starts, with the variable's name."""

import os
import subprocess
import sys

import pytest

from throughline.settings import Settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ENVIRONMENT", "prod"),
        ("REDIS_URL", "127.0.0.1:6379"),
        ("HTTP_PORT", "eighty"),
        ("CIRCUIT_MAX_DEPTH", "0"),
        ("KIBANA_PUBLIC_URL", "javascript://a/%0aalert(1)"),
        ("JAEGER_PUBLIC_URL", "localhost:16686"),
        ("VISIBILITY_TIMEOUT_SECONDS", "60"),  # below the time limit: tasks would run twice at once
    ],
)
@pytest.mark.parametrize("program", ["import api.main", "import worker.app", "import monitor.__main__ as m; m.main()"])
def test_a_wrong_setting_is_one_line_that_names_it(program, variable, value):
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        env=os.environ | {variable: value},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert variable in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_variable_is_as_good_as_none(monkeypatch):
    monkeypatch.setenv("API_KEYS_FILE", "")
    monkeypatch.setenv("CIRCUIT_MAX_DEPTH", "")
    assert (Settings().api_keys_file, Settings().circuit_max_depth) == (None, 500)
