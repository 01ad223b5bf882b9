"""The page of all tasks through NGINX, without a script: its filters, links and actions, and who may not send them."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.system.nine import Nine
from tests.system.test_running_task import LONG
from tests.system.viewer import Viewer, link, rows

SMALL: dict[str, Any] = {
    "task_type": "calculate_var",
    "data": {"positions": [{"symbol": "A", "quantity": 1, "price": 1.0}], "simulations": 1000},
}
Wait = Callable[..., Any]


def submitted(
    nine: Nine, correlation_id: str, count: int = 1, task: dict[str, Any] = SMALL, wait: int = 20
) -> list[str]:
    with nine.http() as client:
        ids = [
            client.post("/api/v1/tasks", json=task, headers={"X-Request-ID": correlation_id}).json()["task_id"]
            for _ in range(count)
        ]
        for task_id in ids if wait else ():
            assert client.get(f"/api/v1/tasks/{task_id}", params={"wait": wait}).json()["status"] == "SUCCESS"
    return ids


def status(nine: Nine, task_id: str) -> str:
    with nine.http() as client:
        return str(client.get(f"/api/v1/tasks/{task_id}").json()["status"])


@pytest.fixture
def viewer(nine: Nine) -> Iterator[Viewer]:
    with Viewer(nine) as looking:
        yield looking


def test_the_newest_tasks_come_first_and_each_row_leads_to_its_journey(nine: Nine, viewer: Viewer):
    first, second = submitted(nine, "TASKS-1", 2)
    page = viewer.look("/tasks")

    assert rows(page)[:2] == [second, first]
    journey = viewer.http.get(f"/journeys/TASKS-1?task={second}")
    assert f'href="/journeys/TASKS-1?task={second}"' in page
    assert journey.status_code == 200


def test_a_form_with_empty_fields_leads_to_an_address_without_them(viewer: Viewer):
    answer = viewer.http.get("/tasks?status=FAILURE&task_type=&worker=&order=&since=1h")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks?status=FAILURE&since=1h")


def test_filters_leave_out_what_they_should_and_a_link_shows_the_same_to_everyone(nine: Nine, viewer: Viewer):
    ids = submitted(nine, "TASKS-2", 3)
    narrow = viewer.look("/tasks?correlation_id=TASKS-2&status=SUCCESS&queue=medium&task_type=calculate_var&since=1h")

    assert rows(narrow) == ids[::-1]
    with Viewer(nine) as other:
        assert rows(other.look(link(narrow, "Link to exactly this range"))) == ids[::-1]
    assert rows(viewer.look("/tasks?correlation_id=TASKS-2&status=FAILURE")) == []
    assert rows(viewer.look("/tasks?correlation_id=TASKS-2&slower_than_ms=1e9")) == []


def test_pages_lead_on_and_back_and_every_task_is_on_exactly_one(nine: Nine, viewer: Viewer):
    ids = submitted(nine, "TASKS-3", 7)
    address, seen, pages = "/tasks?correlation_id=TASKS-3&limit=3&since=1h", [], []
    while True:
        pages.append(viewer.look(address))
        seen += rows(pages[-1])
        if ">Next</a>" not in pages[-1]:
            break
        address = link(pages[-1], "Next")

    assert seen == ids[::-1]
    assert [len(rows(page)) for page in pages] == [3, 3, 1]
    back = viewer.look(link(pages[2], "Previous"))
    assert rows(back) == rows(pages[1])
    assert rows(viewer.look(link(back, "Previous"))) == rows(pages[0])
    assert 'data-refresh="2"' in pages[0]
    assert all('data-refresh="0"' in page for page in pages[1:])


def test_the_picture_counts_the_tasks_of_its_range(nine: Nine, viewer: Viewer):
    submitted(nine, "TASKS-4", 5)
    page = viewer.look("/tasks?correlation_id=TASKS-4")

    assert re.search(r'class="unseen">5 tasks submitted between .*: 5 SUCCESS\.', page)
    titles = re.findall(r"<title>([^<]+ UTC: [^<]+)</title>", page)
    assert len(titles) >= 60
    assert sum(int(found[1]) for each in titles if (found := re.search(r"(\d+) SUCCESS", each))) == 5
    within = parse_qs(urlsplit(link(page, "SUCCESS")).query)
    assert within == {"correlation_id": ["TASKS-4"], "status": ["SUCCESS"]}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("status=DONE", "PENDING"),
        ("colour=red", "no such filter"),
        ("cursor=AAAA", "no cursor of this service"),
        ("submitted_after=20&submitted_before=10", "upside down"),
        ("limit=10000", "500"),
        ("since=%3Cb%3E", "&lt;b&gt;"),
        ("&".join(f"a{number}=1" for number in range(101)), "at most 100 filters"),
    ],
)
def test_a_wrong_filter_is_answered_with_422_and_named(viewer: Viewer, query: str, says: str):
    answer = viewer.http.get(f"/tasks?{query}")

    assert answer.status_code == 422
    assert says in answer.text
    assert "<b>" not in answer.text


def test_chosen_tasks_are_cancelled_after_a_confirmation_and_each_outcome_is_told(
    nine: Nine, viewer: Viewer, wait_until: Wait
):
    (done,), (running,) = submitted(nine, "TASKS-5"), submitted(nine, "TASKS-6", task=LONG, wait=0)
    asked = viewer.send(viewer.look("/tasks?since=1h"), "cancel", done, running)

    assert "Cancel 2 tasks?" in asked.text
    assert status(nine, running) in {"PENDING", "STARTED"}  # nothing was done before the confirmation

    told = viewer.confirm(asked.text, **{"X-Request-ID": "CANCELS-1"})
    assert "Cancel: 1 of 2 tasks done" in told.text
    assert "TASK_FINISHED" in told.text
    assert link(told.text, "Back to the list") == "/tasks?since=1h"
    wait_until(lambda: status(nine, running) == "REVOKED", 20, "it was cancelled")
    with nine.http() as client:
        changes = client.get(f"/api/v1/tasks/{running}/timeline").json()["changes"]
    assert "CANCELS-1" in {change.get("requested_by") for change in changes}


def test_submit_again_makes_one_new_task_of_each_however_often_the_form_is_sent(nine: Nine, viewer: Viewer):
    ids = submitted(nine, "TASKS-7", 2)
    asked = viewer.send(viewer.look("/tasks?correlation_id=TASKS-7"), "resubmit", *ids)
    told = [viewer.confirm(asked.text, **{"X-Request-ID": "AGAIN-1"}).text for _ in range(2)]

    assert all("Submit again: 2 of 2 tasks done" in each for each in told)
    again = rows(viewer.look("/tasks?correlation_id=AGAIN-1"))
    assert len(again) == 2
    assert not set(again) & set(ids)


def test_replay_of_what_is_no_dead_letter_is_refused_with_the_apis_words(nine: Nine, viewer: Viewer):
    (done,) = submitted(nine, "TASKS-8")
    asked = viewer.send(viewer.look("/tasks"), "replay", done)

    assert "NOT_A_DEAD_LETTER" in viewer.confirm(asked.text).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": "", "Origin": ""},
    ],
)
def test_another_site_cannot_make_a_browser_act_on_tasks(nine: Nine, viewer: Viewer, headers: dict[str, str]):
    (task_id,) = submitted(nine, "TASKS-9", task=LONG, wait=0)
    confirmation = viewer.send(viewer.look("/tasks"), "cancel", task_id).text
    answer = viewer.confirm(confirmation, **headers)

    assert (answer.status_code, status(nine, task_id)) in {(403, "PENDING"), (403, "STARTED")}
    assert viewer.confirm(confirmation).status_code == 200


def test_a_form_without_the_cookie_of_its_browser_is_refused(nine: Nine, viewer: Viewer):
    page = viewer.look("/tasks")
    with Viewer(nine) as stranger:
        answer = stranger.send(page, "cancel", "some-task")

    assert (answer.status_code, "Load the page again" in answer.text) == (403, True)


def test_the_address_of_the_actions_is_no_page_and_the_list_takes_no_form(viewer: Viewer):
    for path in ("/tasks/actions", "/errors/actions", "/circuit/actions"):
        read = viewer.http.get(path)
        assert (read.status_code, read.headers["Allow"]) == (405, "POST, OPTIONS")
    sent = viewer.http.post("/tasks")

    assert (sent.status_code, sent.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    ("action", "task_ids", "says"),
    [("delete", ["a"], "there is no &#39;delete&#39;"), ("cancel", [], "none was chosen")],
)
def test_a_wrong_form_is_refused_with_what_is_wrong(viewer: Viewer, action: str, task_ids: list[str], says: str):
    answer = viewer.send(viewer.look("/tasks"), action, *task_ids)

    assert (answer.status_code, says in answer.text) == (422, True)
