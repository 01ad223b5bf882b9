"""The nine on one machine: what `throughline up`, `status` and `down` promise."""

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.nine import Nine
from throughline.ledger import keys
from throughline.local import session
from throughline.local.supervisor import Supervisor

NAMES = ["nginx", "fastapi-1", "fastapi-2", "fastapi-3", "redis", "worker-1", "worker-2", "worker-3", "monitor"]
POSITIONS = '{"positions": [{"symbol": "AAPL", "quantity": 100, "price": 150}]}'
Wait = Callable[..., object]


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Nine]:
    """A run that the test may try to start; ended if it did start."""
    other = Nine(tmp_path / "var", API_REPLICAS="1", WORKER_REPLICAS="0")
    yield other
    other.run("down")


def test_status_lists_the_nine_with_port_pid_and_health(nine: Nine):
    answer = nine.run("status")

    assert answer.returncode == 0
    rows = [line.split() for line in answer.stdout.splitlines() if "healthy" in line]
    ports = [0, 1, 2, 3, 5, None, None, None, 4]
    shown_ports = ["–" if port is None else str(nine.http_port + port) for port in ports]
    assert rows == [
        [name, port, str(nine.pids()[name]), "✓", "healthy"] for name, port in zip(NAMES, shown_ports, strict=True)
    ]


def test_status_says_what_redis_no_longer_promises_and_that_it_has_lost_data(nine: Nine, wait_until: Wait):
    with nine.redis() as client:
        try:
            client.config_set("appendonly", "no")
            client.hset(keys.DATA, "lost_at", client.time()[0])
            wait_until(lambda: len(_warnings(nine)) == 2, 40, "status tells both")
            lost, weak = _warnings(nine)
        finally:
            client.config_set("appendonly", "yes")
            client.hdel(keys.DATA, "lost_at")
        assert lost.startswith("Redis has lost data: tasks that were accepted before 20")
        assert weak.startswith("A 201 promises less than it should: appendonly is no")


def _warnings(nine: Nine) -> list[str]:
    """Each on one line, however long it is."""
    told = nine.run("status", COLUMNS="500").stdout.splitlines()
    return [line.removeprefix("Warning: ") for line in told if line.startswith("Warning: ")]


def test_up_again_changes_nothing(nine: Nine):
    before = nine.pids()

    again = nine.run("up")

    assert again.returncode == 0
    assert again.stdout.count("✓ healthy") == 9
    assert nine.pids() == before


def test_up_with_another_port_says_where_it_runs(nine: Nine):
    answer = nine.run("up", HTTP_PORT=str(nine.http_port + 100))

    assert answer.returncode == 1
    assert answer.stderr.startswith(f"Already running on port {nine.http_port}.")


def test_processes_killed_all_at_once_come_back_by_themselves(nine: Nine, wait_until: Wait):
    killed = {name: pid for name, pid in nine.pids().items() if name in {"nginx", "fastapi-2", "worker-3", "monitor"}}
    workers_of_nginx = {pid for pid in _group(killed["nginx"]) if pid != killed["nginx"]}
    assert workers_of_nginx

    for pid in killed.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    wait_until(lambda: _all_new(nine, killed), 20, "each killed process has another pid")
    wait_until(lambda: nine.run("status").returncode == 0, 30, "all nine are healthy again")
    # Workers of a killed master would keep its port: they would look healthy, and no command would reach them.
    wait_until(lambda: not workers_of_nginx & set(_group(killed["nginx"])), 20, "NGINX's orphans have ended")


def test_redis_killed_comes_back_with_what_it_had(nine: Nine, wait_until: Wait):
    with nine.redis() as client:
        client.set("survives", "yes")
    pid = nine.pids()["redis"]
    assert pid is not None

    os.kill(pid, signal.SIGKILL)

    wait_until(lambda: _all_new(nine, {"redis": pid}), 20, "Redis has another pid")
    wait_until(lambda: nine.run("status").returncode == 0, 30, "all nine are healthy again")
    with nine.redis() as client:
        assert client.getdel("survives") == "yes"


def test_a_stopped_process_stays_down_until_it_is_started(nine: Nine):
    assert nine.run("stop", "worker-1").returncode == 0
    status = nine.run("status")
    assert status.returncode == 1
    assert [line.split()[0] for line in status.stdout.splitlines() if "✗ stopped" in line] == ["worker-1"]

    assert nine.run("start", "worker-1").returncode == 0
    assert nine.run("status").returncode == 0


def test_a_name_that_is_no_process_is_refused_with_those_that_are(nine: Nine):
    answer = nine.run("restart", "worker-9")

    assert answer.returncode == 1
    assert "There is no process worker-9" in answer.stderr
    assert "worker-3" in answer.stderr


def test_a_taken_port_is_named_with_the_variable_that_moves_it_and_nothing_starts(apart: Nine):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", apart.http_port + 1))
        taken.listen()
        answer = apart.run("up")

    assert answer.returncode == 1
    assert answer.stderr.splitlines() == [
        f"Port {apart.http_port + 1} (fastapi-1) is taken by another program. "
        f"Choose another base with HTTP_PORT={apart.http_port + 1000} make up."
    ]
    assert apart.run("status").stderr.startswith("Throughline is not running here")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ENVIRONMENT", "nonsense", "ENVIRONMENT: "),
        ("HTTP_PORT", "many", "HTTP_PORT: "),
        ("REDIS_URL", "redis://:secret@broker.example:6379/0", "REDIS_URL points to redis://broker.example"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(apart: Nine, variable: str, value: str, says: str):
    answer = apart.run("up", **{variable: value})

    assert answer.returncode == 1
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "secret" not in answer.stderr


def test_a_second_run_beside_the_first_and_its_end(nine: Nine, tmp_path: Path):
    with Nine(
        tmp_path / "a 100% odd folder" / "var", API_REPLICAS="1", WORKER_REPLICAS="1", WORKER_CONCURRENCY="2"
    ) as second:
        assert set(second.pids()) == {"nginx", "fastapi-1", "redis", "worker-1", "monitor"}
        assert second.redis_url != nine.redis_url
        # Asked for its health before its replica answers, NGINX would complain, and leave the replica out.
        assert (second.var_dir / "log" / "nginx.err").read_text() == ""
        run = second.recorded
        leader = Supervisor(run.socket).pid()
        assert leader is not None
        processes = session.members(leader)
        assert len(processes) >= 6 + 2 + 2  # supervisord and the five, NGINX's workers, the worker's processes

    assert session.members(leader) == []
    assert not any(_alive(pid) for pid in processes)
    assert not any(_listens(port) for port in run.ports.values())
    assert nine.run("status").returncode == 0, "the first one runs on"


@pytest.mark.timeout(40)  # it gives up long before the minute that a healthy start may take
def test_a_program_that_cannot_start_is_named_with_its_last_line(apart: Nine, tmp_path: Path):
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho no space left on device >&2; exit 1\n")
    broken.chmod(0o755)

    answer = apart.run("up", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert apart.run("down").stdout.strip() == "Throughline has ended."
    assert answer.returncode == 1
    assert "redis is not healthy: crashed" in answer.stderr
    assert "no space left on device" in answer.stderr


@pytest.mark.parametrize("command", ["up", "down"])
def test_up_and_down_end_the_processes_that_a_killed_supervisor_left_behind(
    apart: Nine, wait_until: Wait, command: str
):
    assert apart.run("up").returncode == 0
    leader = Supervisor(apart.recorded.socket).pid()
    assert leader is not None
    os.kill(leader, signal.SIGKILL)
    wait_until(lambda: leader not in session.members(leader), 20, "supervisord has ended")
    assert session.members(leader)
    told = apart.run("status").stderr
    assert told.count("\n") == 1
    assert "`make down` ends them" in told

    assert apart.run(command).returncode == 0

    assert session.members(leader) == []


def test_commands_at_once_wait_for_each_other_and_leave_nothing_half_done(apart: Nine):
    for each in [apart.begin(name) for name in ("up", "up", "down", "down", "status")]:
        said, complaint = each.communicate(timeout=200)
        assert "Traceback" not in complaint
        assert "Error" not in complaint
        assert each.returncode == 0 or complaint.strip(), said

    assert apart.run("down").stdout.splitlines()[-1] in {"Throughline has ended.", "Throughline was not running."}
    assert apart.run("status").stderr.startswith("Throughline is not running here")
    assert not any(_listens(apart.http_port + number) for number in range(6))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_that_is_ended_half_way_leaves_no_replica_without_requests(
    nine: Nine, wait_until: Wait, number: signal.Signals
):
    site = nine.var_dir / "conf" / "throughline.conf"
    restart = nine.begin("restart", "fastapi-1")
    wait_until(lambda: " down;" in site.read_text(), 20, "the replica gets no more requests")

    restart.send_signal(number)
    restart.communicate(timeout=100)

    if number == signal.SIGKILL:
        status = nine.run("status")
        assert status.returncode == 1
        assert "fastapi-1: a restart was killed" in status.stdout
        assert nine.run("start", "worker-1").returncode == 0, "any command that changes the run puts it right"
    assert restart.returncode != 0
    assert " down;" not in site.read_text()
    wait_until(lambda: nine.run("status").returncode == 0, 60, "all nine are healthy")


def test_down_finds_the_processes_of_a_folder_that_was_removed(apart: Nine):
    assert apart.run("up").returncode == 0
    leader = Supervisor(apart.recorded.socket).pid()
    assert leader is not None
    shutil.rmtree(apart.var_dir)

    assert apart.run("down").stdout.strip() == "Throughline has ended."

    assert session.members(leader) == []


def test_the_password_of_redis_is_on_no_command_line_and_in_no_file_that_others_can_read(nine: Nine):
    password = (nine.var_dir / "redis" / "password").read_text()
    leader = Supervisor(nine.recorded.socket).pid()
    assert leader is not None
    assert not [pid for pid, command in session.live_processes() if password in command]
    for path in nine.var_dir.rglob("*"):
        if path.is_file() and password.encode() in path.read_bytes():
            assert path.stat().st_mode & 0o077 == 0, path


def test_submit_waits_for_the_result_and_says_how_to_see_the_journey(nine: Nine):
    answer = nine.run("submit", "calculate_var", "--data", POSITIONS, "--id", "submit-1", "--wait")

    assert answer.returncode == 0, answer.stderr
    task = json.loads(answer.stdout)
    assert task["status"] == "SUCCESS"
    assert task["result"]["var_amount"] == pytest.approx(983, rel=0.03)
    assert answer.stderr.strip().endswith("throughline journey submit-1")


def test_submit_shows_a_refusal_with_the_fields_it_is_about(nine: Nine):
    answer = nine.run("submit", "calculate_var", "--data", POSITIONS.replace("150", "-1"))

    assert answer.returncode == 1
    assert answer.stdout == ""
    first, field, correlation = answer.stderr.splitlines()
    assert first == "422 VALIDATION_FAILED"
    assert field.strip().startswith("data.positions[0].price: ")
    assert correlation.startswith("correlation ID: ")


def test_submit_without_a_running_throughline_says_what_to_do(apart: Nine):
    answer = apart.run("submit", "calculate_var", "--data", POSITIONS)

    assert answer.returncode == 1
    assert answer.stderr.strip().endswith("`make up` starts it.")


def test_down_without_a_run_is_no_error(apart: Nine):
    answer = apart.run("down")

    assert answer.returncode == 0
    assert answer.stdout.strip() == "Throughline was not running."


def _all_new(nine: Nine, before: dict[str, int | None]) -> bool:
    now = nine.pids()
    return all(now[name] not in {None, pid} for name, pid in before.items())


def _group(leader: int | None) -> list[int]:
    assert leader is not None
    found = []
    for pid, _ in session.live_processes():
        try:
            if os.getpgid(pid) == leader:
                found.append(pid)
        except ProcessLookupError:
            continue
    return found


def _alive(pid: int) -> bool:
    return pid in dict(session.live_processes())


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
