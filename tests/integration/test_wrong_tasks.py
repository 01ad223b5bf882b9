"""A module of tasks that cannot be used ends api, worker and monitor with the same one line."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import free_port

HEAD = "from pydantic import BaseModel\nfrom throughline import task\nclass M(BaseModel):\n    x: int\n\n"
COMMANDS = {
    "api": ["uvicorn", "api.main:app"],
    "worker": ["celery", "-A", "worker.app", "worker"],
    "monitor": ["monitor"],
}


def endings(folder, modules, commands=tuple(COMMANDS)):
    """What each of the programs printed, and with which code it ended."""

    def ended(name):
        environment = os.environ | {
            "TASK_MODULES": modules,
            "PYTHONPATH": str(folder),
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        }
        command = [sys.executable, "-m", *COMMANDS[name]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr, done.returncode

    with ThreadPoolExecutor() as threads:
        return dict(zip(commands, threads.map(ended, commands), strict=True))


CASES = {
    "does not import": (
        "import nothing_here\n",
        "ModuleNotFoundError: No module named 'nothing_here' ({file}, line 1)",
    ),
    "is no Python": ("x = (\n", "SyntaxError: '(' was never closed ({file}, line 1)"),
    "ends itself": ("raise SystemExit('enough')\n", "SystemExit: enough ({file}, line 1)"),
    "takes a name of risk": (
        HEAD + "@task('stress_test', model=M)\ndef f(data, run): ...\n",
        "two tasks are named 'stress_test'",
    ),
    "has no model": (
        "from throughline import task\ntask('a', model=int, run='a:b')\n",
        "'a' in mine ({file}, line 2): its model",
    ),
    "has an example that its model refuses": (
        HEAD + "@task('a', model=M, example={'x': 'y'})\ndef f(data, run): ...\n",
        "'a' in mine ({file}, line 6): its model M refuses its example: data.x: ",
    ),
    "has a bad queue": (
        HEAD + "@task('a', model=M, queue='urgent')\ndef f(data, run): ...\n",
        "'a' in mine ({file}, line 6): its queue must be high, medium or low, not 'urgent'",
    ),
    "has an option that there is not": (
        HEAD + "@task('a', model=M, retries=3)\ndef f(data, run): ...\n",
        "TypeError: ",
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_module_that_cannot_be_used_ends_all_three_with_one_line(tmp_path, case):
    source, words = CASES[case]
    file = tmp_path / "mine.py"
    file.write_text(source)
    found = endings(tmp_path, "risk,mine")
    for name, (output, code) in found.items():
        assert code == 1, name
        assert output.count("\n") == 1, (name, output)
        assert output.startswith("Wrong task"), (name, output)
        assert str(file) in output
        assert words.format(file=file) in output, (name, output)


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ("risk,absent", "absent (in TASK_MODULES) does not import: ModuleNotFoundError"),
        ("my tasks", "TASK_MODULES holds 'my tasks', which is no module's name"),
        ("mine.py", "TASK_MODULES holds 'mine.py': leave out the .py"),
        ("./mine", "TASK_MODULES holds './mine', which is no module's name"),
        (" , ", "there is no task in TASK_MODULES"),
    ],
)
def test_a_list_of_modules_that_cannot_be_used_ends_all_three_with_one_line(tmp_path, modules, words):
    for name, (output, code) in endings(tmp_path, modules).items():
        assert (code, output.count("\n")) == (1, 1), (name, output)
        assert words in output, (name, output)


def test_a_function_that_is_not_found_ends_the_worker_which_alone_looks_for_it(tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + "task('late', model=M, run='mine:absent')\n")
    output, code = endings(tmp_path, "mine", ("worker",))["worker"]
    assert (code, output.count("\n")) == (1, 1), output
    assert f"'late' in mine ({tmp_path / 'mine.py'}, line 6): run='mine:absent' is not found" in output


def test_a_time_limit_beyond_the_visibility_timeout_ends_the_worker(tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + "@task('long', model=M, time_limit=600)\ndef f(data, run): ...\n")
    output, code = endings(tmp_path, "mine", ("worker",))["worker"]
    assert (code, output.count("\n")) == (1, 1), output
    assert "its time_limit (600) must be below VISIBILITY_TIMEOUT_SECONDS (180)" in output


def test_a_soft_limit_above_the_time_limit_of_the_settings_ends_the_worker(tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + "@task('patient', model=M, soft_time_limit=150)\ndef f(data, run): ...\n")
    output, code = endings(tmp_path, "mine", ("worker",))["worker"]
    assert (code, output.count("\n")) == (1, 1), output
    assert "its soft_time_limit (150) must be below TASK_TIME_LIMIT_SECONDS (120)" in output


def test_an_installed_package_whose_entry_point_fails_is_named(tmp_path):
    metadata = tmp_path / "words-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: words\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[throughline.tasks]\ncounting = words_tasks\n")
    (tmp_path / "words_tasks.py").write_text("1 / 0\n")
    for name, (output, code) in endings(tmp_path, "risk").items():
        assert (code, output.count("\n")) == (1, 1), (name, output)
        assert "words_tasks (entry point 'counting' in throughline.tasks of words) does not import: " in output
        assert f"ZeroDivisionError: division by zero ({tmp_path / 'words_tasks.py'}, line 1)" in output
