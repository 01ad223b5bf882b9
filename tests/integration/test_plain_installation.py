"""What `pip install throughline` without extras brings is enough for the client, a task and `throughline submit`."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import distributions, requires
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.odd_server import OddServer, problem, reply
from tests.system.nine import COMMAND

# Run by Python before anything else: a module is there only if a plain installation would have brought it.
HOOK = """
import json, sys
from pathlib import Path
absent = set(json.loads(Path(__file__).with_name("absent.json").read_text()))
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])
sys.meta_path.insert(0, Refusing())
"""
EVERY_MODULE = """
import importlib, pkgutil, throughline
for module in pkgutil.walk_packages(throughline.__path__, "throughline."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as missing:
        print(module.name, missing.name)
"""
Plain = Callable[..., "subprocess.CompletedProcess[str]"]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def brought_by(distribution: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> set[str]:
    """The distributions that installing this one installs."""
    if (distribution, extras) in seen:
        return set()
    seen.add((distribution, extras))
    found = {distribution}
    for line in requires(distribution) or []:
        requirement, _, marker = line.partition(";")
        if "extra" in marker and not any(f'"{extra}"' in marker or f"'{extra}'" in marker for extra in extras):
            continue
        match = re.match(r"([A-Za-z0-9._-]+)(?:\[([^]]*)\])?", requirement.strip())
        assert match
        try:
            found |= brought_by(normal(match[1]), frozenset((match[2] or "").split(",")) - {""}, seen)
        except ModuleNotFoundError:  # for another system or another Python
            continue
    return found


def modules_of(distributed: set[str]) -> Iterator[str]:
    """The outermost modules that are these distributions' own, such as `opentelemetry.instrumentation.celery`."""
    for distribution in distributions():
        if normal(distribution.name) in distributed:
            files = [file.with_suffix("") for file in distribution.files or () if file.suffix in {".py", ".so"}]
            packages = {file.parent for file in files if file.name == "__init__"}
            alone = {file for file in files if file.name != "__init__" and len(file.parts) == 1}
            outermost = {each for each in packages if not packages & set(each.parents)} | alone
            yield from (".".join(each.parts) for each in outermost)


@pytest.fixture(scope="module")
def brought() -> set[str]:
    return brought_by("throughline", frozenset(), set())


@pytest.fixture
def plain(brought: set[str], tmp_path: Path) -> Plain:
    """`plain("program", …)` runs it as if nothing else were installed."""
    installed = {normal(distribution.name) for distribution in distributions()}
    absent = sorted({*modules_of(installed - brought)} - {*modules_of(brought)})
    (tmp_path / "absent.json").write_text(json.dumps(absent))
    (tmp_path / "sitecustomize.py").write_text(HOOK)

    def run(*command: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("THROUGHLINE_")}
        return subprocess.run(
            command,
            env=inherited | {"PYTHONPATH": str(tmp_path), "VAR_DIR": str(tmp_path / "var")} | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_it_brings_neither_celery_nor_fastapi_nor_numpy(brought: set[str], plain: Plain):
    assert {"httpx", "opentelemetry-api", "pydantic"} <= brought
    assert not brought & {
        "celery",
        "kombu",
        "fastapi",
        "starlette",
        "uvicorn",
        "numpy",
        "scipy",
        "rich",
        "supervisor",
        "sqlalchemy",
    }
    for module in ("celery", "opentelemetry.instrumentation.celery", "opentelemetry.instrumentation.fastapi"):
        assert f"No module named '{module}'" in plain(sys.executable, "-c", f"import {module}").stderr


def test_everything_but_the_local_commands_and_the_history_can_be_imported(plain: Plain):
    answer = plain(sys.executable, "-c", EVERY_MODULE)

    assert answer.returncode == 0, answer.stderr
    missing: dict[str, str] = dict(line.split() for line in answer.stdout.splitlines())
    assert missing.pop("throughline.ledger.history") in {"sqlalchemy", "psycopg", "alembic"}  # its modules with it
    assert missing.pop("throughline.web.connection") == "httptools"
    assert {missing.pop(f"throughline.web.{each}") for each in ("methods", "slow_body")} == {"starlette"}
    assert set(missing.values()) <= {"rich", "supervisor"}
    assert all(module.startswith(("throughline.cli.", "throughline.local.")) for module in missing)


def test_importing_the_package_and_the_client_loads_nothing_that_they_do_not_use(plain: Plain):
    heavy = "{'redis', 'pydantic', 'yaml', 'opentelemetry.sdk'} & sys.modules.keys()"
    code = f"import sys, throughline; a = 'httpx' in sys.modules; throughline.Client(); print(a, {heavy})"

    assert plain(sys.executable, "-c", code).stdout == "False set()\n"


def test_the_command_submits_with_the_client_alone(plain: Plain):
    accepted = reply(201, {"task_id": "task-1", "status": "PENDING", "queue_position": 1})
    ended = reply(200, {"task_id": "task-1", "status": "SUCCESS", "result": {"words": 6}})
    arguments = ["submit", "word_count", "--data", '{"text": "to be"}', "--id", "ABC-123", "--wait"]
    with OddServer([accepted, ended]) as server:
        answer = plain(COMMAND, *arguments, THROUGHLINE_URL=server.url, THROUGHLINE_API_KEY="secret")

    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["result"] == {"words": 6}
    assert answer.stderr == f"its journey: {server.url}/journeys/ABC-123\n"
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer secret"}
    assert json.loads(server.asked[0].body) == {"task_type": "word_count", "data": {"text": "to be"}}


def test_a_refusal_is_told_in_plain_lines_with_its_correlation_id(plain: Plain):
    with OddServer([problem(401, "UNAUTHORIZED")]) as server:
        answer = plain(COMMAND, "submit", "word_count", "--data", "{}", "--url", server.url)

    assert answer.returncode == 1
    assert answer.stderr == "401 UNAUTHORIZED: The detail of UNAUTHORIZED.\ncorrelation ID: of-the-problem\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--data", "{}", "--url", "localhost:8080"], {}, "--url: base_url must begin with http://"),
        (["--data", "{}"], {"THROUGHLINE_URL": "ftp://x"}, "THROUGHLINE_URL: base_url must begin with http://"),
        (["--data", "{}"], {"THROUGHLINE_API_KEY": "sec ret"}, "THROUGHLINE_API_KEY: api_key must be"),
        (["--data", "{}"], {"HTTP_PORT": "many"}, "HTTP_PORT is not the number of a port: many"),
        (["--data", "[1, Infinity]"], {}, "data[1] is infinite"),
        (["--data", '{"a": NaN}'], {}, "data.a is NaN"),
        (["--data", "{"], {}, "--data is not JSON"),
        (["--data", "{}", "--id", "a b"], {}, "correlation_id must be"),
    ],
)
def test_what_cannot_be_sent_is_one_line(plain: Plain, arguments: list[str], environment: dict[str, str], says: str):
    answer = plain(COMMAND, "submit", "word_count", *arguments, **environment)

    assert answer.returncode == 1
    assert says in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_command_that_needs_more_says_in_one_line_what_to_install(plain: Plain):
    for command in ("up", "demo", "status", "down"):
        answer = plain(COMMAND, command)
        assert answer.returncode == 1
        says = rf"`throughline {command}` needs \w+, .*pip install 'throughline\[local\]'\n"
        assert re.fullmatch(says, answer.stderr)
    assert plain(COMMAND, "--help").returncode == 0


def test_nothing_listening_at_another_address_is_told_without_the_local_remedy(plain: Plain):
    url = f"http://127.0.0.1:{free_port()}"
    answer = plain(COMMAND, "submit", "word_count", "--data", "{}", "--url", url)

    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == f"Throughline does not answer at {url}."
    assert "make up" not in answer.stderr
