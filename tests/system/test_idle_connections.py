"""NGINX closes its idle connections to the replicas first: no POST is sent on a connection that is being closed."""

from typing import Any

import psutil
import pytest

from tests.system.nine import Nine


@pytest.mark.skipif("sys.platform != 'linux'", reason="elsewhere only root sees other processes' connections")
def test_nginx_closes_an_idle_connection_to_a_replica_first(nine: Nine, wait_until):
    master = nine.pids()["nginx"]
    replicas = {nine.recorded.ports[name] for name in nine.recorded.replicas}

    def held() -> set[int]:
        workers = psutil.Process(master).children(recursive=True)
        found = [
            _ports(each) for worker in workers for each in worker.net_connections("tcp") if _is(each, "ESTABLISHED")
        ]
        return {own for own, other in found if other in replicas}

    with nine.http() as client:
        client.get("/api/v1/queues")
    ours = wait_until(held, 20, "NGINX holds a connection to a replica")

    def closed_by() -> set[str]:
        """Who closes first keeps the connection in TIME_WAIT on its own side."""
        waiting = [_ports(each) for each in psutil.net_connections("tcp") if _is(each, "TIME_WAIT")]
        nginx = {"NGINX" for own, other in waiting if own in ours and other in replicas}
        return nginx | {"replica" for own, other in waiting if own in replicas and other in ours}

    assert wait_until(closed_by, 20, "the connection is closed") == {"NGINX"}


def _is(connection: Any, status: str) -> bool:
    return bool(connection.raddr) and connection.status == status


def _ports(connection: Any) -> tuple[int, int]:
    """This end's, the other end's."""
    return connection.laddr.port, connection.raddr.port
