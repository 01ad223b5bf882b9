"""NGINX ends its idle connections to the replicas before they do: no POST meets a connection that is being closed."""

import psutil
import pytest

from tests.system.nine import Nine


@pytest.mark.skipif("sys.platform != 'linux'", reason="elsewhere only root sees other processes' connections")
def test_nginx_closes_an_idle_connection_to_a_replica_first(nine: Nine, wait_until):
    master = nine.pids()["nginx"]
    replicas = {nine.recorded.ports[name] for name in nine.recorded.replicas}

    def held() -> set[int]:
        workers = psutil.Process(master).children(recursive=True)
        found = [each for worker in workers for each in worker.net_connections("tcp") if each.raddr]
        return {each.laddr.port for each in found if each.raddr.port in replicas and each.status == "ESTABLISHED"}

    with nine.http() as client:
        client.get("/api/v1/queues")
    ours = wait_until(held, 5, "NGINX holds a connection to a replica")

    def closed_by() -> set[str]:
        """Who closes first keeps the connection in TIME_WAIT on its own side."""
        waiting = [each for each in psutil.net_connections("tcp") if each.status == "TIME_WAIT"]
        nginx = {"NGINX" for each in waiting if each.laddr.port in ours and each.raddr.port in replicas}
        return nginx | {"replica" for each in waiting if each.laddr.port in replicas and each.raddr.port in ours}

    assert wait_until(closed_by, 15, "the connection is closed") == {"NGINX"}
