"""A web site reaches the service on its visitor's machine neither by its address nor by a name of the site's own."""

from itertools import product
from typing import Any

import pytest

from tests.system.nine import Nine

TASK: dict[str, Any] = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}]},
}
SITES = (
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "null"},
)
CHANGES = (
    ("POST", "/api/v1/tasks"),
    ("POST", "/api/v1/queues/circuit/close"),
    ("POST", "/api/v1/tasks/x/resubmit"),
    ("POST", "/api/v1/dead-letters/x/replay"),
    ("DELETE", "/api/v1/tasks/x"),
)
FORMS = ("/tasks/actions", "/errors/actions", "/circuit/actions")
READS = ("/health", "/health/live", "/api/v1/queues", "/api/v1/tasks", "/docs", "/openapi.json")
PAGES = ("/", "/tasks", "/journeys/X-1", "/metrics", "/assets/page.css")


def ways(nine: Nine) -> list[tuple[str, bool]]:
    """Each address that leads to the service, and whether it leads to the page too."""
    replica, monitor = nine.replica_urls[0], f"http://127.0.0.1:{nine.recorded.ports['monitor']}"
    return [(nine.base_url, True), (replica, False), (monitor, True)]


def test_a_page_of_another_site_changes_nothing(nine: Nine):
    for (url, has_page), site in product(ways(nine), SITES):
        with nine.http(url) as client:
            is_monitor = url.endswith(str(nine.recorded.ports["monitor"]))
            calls = [*(() if is_monitor else CHANGES), *([("POST", each) for each in FORMS] if has_page else ())]
            for method, path in calls:
                body = TASK if path.endswith("/tasks") else None
                answer = client.request(method, path, json=body, headers=site | {"Accept": "application/json"})
                assert (answer.status_code, answer.json()["code"]) == (403, "CROSS_SITE_REQUEST"), (url, path, site)
                assert not any("access-control" in name.lower() for name in answer.headers)


def test_no_site_is_told_that_it_may_read_answers(nine: Nine):
    for url, _ in ways(nine):
        with nine.http(url) as client:
            asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
            for method, path in (("OPTIONS", "/api/v1/tasks"), ("GET", "/health"), ("GET", "/"), ("OPTIONS", "/")):
                answer = client.request(method, path, headers=asked)
                assert not any("access-control" in name.lower() for name in answer.headers), (url, path)


def test_the_services_own_page_and_programs_are_obeyed(nine: Nine):
    for url in (nine.base_url, nine.replica_urls[0]):
        for headers in ({}, {"Origin": url}, {"Origin": url, "Sec-Fetch-Site": "same-origin"}):
            with nine.http(url) as client:
                assert client.post("/api/v1/tasks", json=TASK, headers=headers).status_code == 201, (url, headers)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "0.0.0.0"])
def test_under_another_hosts_name_nothing_is_answered_on_this_machine(nine: Nine, host: str):
    for url, has_page in ways(nine):
        is_monitor = url.endswith(str(nine.recorded.ports["monitor"]))
        with nine.http(url) as client:
            for path in (*(() if is_monitor else READS), *(PAGES if has_page else ())):
                answer = client.get(path, headers={"Host": host, "Accept": "application/json"})
                assert (answer.status_code, answer.json()["code"]) == (421, "MISDIRECTED_REQUEST"), (url, path)
            own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
            if not is_monitor:
                assert client.post("/api/v1/tasks", json=TASK, headers=own).status_code == 421
            for path in FORMS if has_page else ():
                assert client.post(path, headers=own).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:80", "127.0.0.1"])
def test_under_its_own_names_it_is_answered(nine: Nine, host: str):
    for url, path in ((nine.base_url, "/health"), (nine.base_url, "/"), (nine.replica_urls[1], "/health/live")):
        with nine.http(url) as client:
            assert client.get(path, headers={"Host": host}).status_code == 200


def test_a_refused_host_is_on_record(nine: Nine, wait_until):
    with nine.http() as client:
        client.get("/health/live", headers={"Host": "evil.example", "X-Request-ID": "REBOUND-1"})
    found = wait_until(
        lambda: [
            line
            for name in nine.recorded.replicas
            for line in nine.log_lines(name)
            if line.get("correlation_id") == "REBOUND-1"
        ],
        20,
        "it is logged",
    )
    assert [(line["http.response.status_code"], line["code"]) for line in found] == [(421, "MISDIRECTED_REQUEST")]
