"""A client that a generator makes of the OpenAPI document has types for all it sends and gets, errors included."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.system.nine import Nine

# The generator's own client.py gives httpx `object` where it wants an exception's class.
MYPY = "[mypy]\nstrict = true\n[mypy-made.client]\nignore_errors = true\n"
PROGRAM = """
import sys

from made import Client
from made.api.tasks import cancel, find, listed, submit, submitted_data
from made.models import (
    CalculateVarData,
    CalculateVarSubmission,
    Portfolio,
    Position,
    Problem,
    SubmittedData,
    SubmittedTask,
    TaskPage,
    TaskView,
    ValueModel,
    WaitToBeCancelledSubmission,
)
from made.types import Unset

client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)
KEY, ID = f"made-{sys.argv[1]}", f"MADE-{sys.argv[1].rpartition(':')[2]}"


def taken(answer: SubmittedTask | Problem | None) -> str:
    assert isinstance(answer, SubmittedTask), answer
    return answer.task_id


def var_of(price: float) -> CalculateVarSubmission:
    positions = [Position(symbol="AAPL", quantity=100, price=price), Position(symbol="MSFT", quantity=50, price=300)]
    portfolio = Portfolio(positions=positions, correlations=[[1.0], [0.5, 1.0]])
    return CalculateVarSubmission(
        task_type="calculate_var", data=CalculateVarData(portfolio_data=portfolio, simulations=1_000)
    )


# Submits, the same again under its key, waits, lists.
answer = submit.sync_detailed(client=client, body=var_of(150), idempotency_key=KEY, x_request_id=ID)
assert isinstance(answer.parsed, SubmittedTask), answer
task_id = taken(answer.parsed)
assert answer.headers["Location"] == f"/api/v1/tasks/{task_id}"
again = submit.sync_detailed(client=client, body=var_of(150), idempotency_key=KEY)
assert taken(again.parsed) == task_id
assert (again.headers["Idempotent-Replayed"], again.parsed.from_cache) == ("true", True)  # type: ignore[union-attr]
found = find.sync(task_id, client=client, wait=30)
assert isinstance(found, TaskView), found
assert (found.status, found.correlation_id) == ("SUCCESS", ID), found
page = listed.sync(client=client, correlation_id=ID, limit=5)
assert isinstance(page, TaskPage), page
assert [each.task_id for each in page.tasks] == [task_id]
sent = submitted_data.sync(task_id, client=client)
assert isinstance(sent, SubmittedData), sent

# Cancels one that runs.
waits = WaitToBeCancelledSubmission(task_type="wait_to_be_cancelled", data=ValueModel(value=None))
task_id = taken(submit.sync(client=client, body=waits))
while True:
    found = find.sync(task_id, client=client)
    assert isinstance(found, TaskView), found
    if found.status == "STARTED":
        break
asked = cancel.sync(task_id, client=client, x_why="no longer wanted")
assert isinstance(asked, TaskView), asked
found = find.sync(task_id, client=client, wait=30)
assert isinstance(found, TaskView), found
assert found.status == "REVOKED", found

# Each error is a problem with its type.
refused = submit.sync(client=client, body=var_of(-1), x_request_id="MADE-2")
assert isinstance(refused, Problem), refused
assert (refused.status, refused.code, refused.correlation_id) == (422, "VALIDATION_FAILED", "MADE-2")
assert refused.errors and not isinstance(refused.errors, Unset)
assert refused.errors[0].field == "data.portfolio_data.positions[0].price", refused.errors
for problem, status, code in (
    (submit.sync(client=client, body=var_of(1), idempotency_key=KEY), 422, "IDEMPOTENCY_KEY_REUSED"),
    (submit.sync(client=client, body=var_of(1), idempotency_key='a "quote'), 400, "IDEMPOTENCY_KEY_INVALID"),
    (find.sync("00000000-0000-4000-8000-000000000000", client=client), 404, "TASK_NOT_FOUND"),
    (cancel.sync(task_id="00000000-0000-4000-8000-000000000000", client=client), 404, "TASK_NOT_FOUND"),
    (listed.sync(client=client, cursor="nonsense"), 422, "VALIDATION_FAILED"),
):
    assert isinstance(problem, Problem), problem
    assert (problem.status, problem.code) == (status, code), problem
print("done")
"""


@pytest.fixture(scope="module")
def made(nine: Nine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the generated client and a program that uses it are."""
    folder = tmp_path_factory.mktemp("generated")
    with nine.http() as client:
        (folder / "openapi.json").write_text(client.get("/openapi.json").text)
    (folder / "options.yaml").write_text("post_hooks: []\n")
    (folder / "mypy.ini").write_text(MYPY)
    (folder / "program.py").write_text(PROGRAM)
    options = ("--path=openapi.json", "--output-path=made", "--meta=none", "--config=options.yaml", "--fail-on-warning")
    done = _run(folder, "openapi_python_client", "generate", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def _run(folder: Path, module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def test_it_and_a_program_that_uses_it_are_typed(made: Path):
    checked = _run(made, "mypy", "--config-file=mypy.ini", "made", "program.py")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("through", ["nginx", "replica"])
def test_with_it_a_program_submits_waits_lists_cancels_and_understands_each_error(made: Path, nine: Nine, through: str):
    url = nine.base_url if through == "nginx" else nine.replica_urls[0]
    done = _run(made, "program", url)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_every_operation_declares_each_error_with_its_model_and_headers(made: Path):
    document = json.loads((made / "openapi.json").read_text())
    operations = [each for path in document["paths"].values() for each in path.values()]
    ids = [each["operationId"] for each in operations]
    assert len(ids) == len(set(ids))
    for operation in operations:
        assert {"400", "405", "413", "414", "421", "429", "431", "500", "502", "504"} <= operation["responses"].keys()
        assert "X-Request-ID" in {each["name"] for each in operation["parameters"]}
        for status, answer in operation["responses"].items():
            response = _resolved(document, answer)
            assert response["headers"]["X-Request-ID"]["required"], (operation["operationId"], status)
            if int(status) >= 400 and operation["operationId"] not in {"health", "ready"}:
                (media_type, content), *others = response["content"].items()
                assert (media_type, others) == ("application/problem+json", [])
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_what_is_wanted_of_a_parameter_is_in_its_schema(made: Path):
    document = json.loads((made / "openapi.json").read_text())
    limits = {"pattern", "enum", "minimum", "maximum", "minLength", "maxLength", "format", "$ref", "items"}
    for operation in (each for path in document["paths"].values() for each in path.values()):
        for parameter in operation["parameters"]:
            schema = parameter["schema"]
            kinds = [schema | kind for kind in schema.get("anyOf", [{}]) if kind != {"type": "null"}]
            assert all(limits & kind.keys() for kind in kinds), (operation["operationId"], parameter)


def _resolved(document: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    name = answer.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["responses"][name] if name else answer
    return found
