"""What the page of a journey shows, from what was found."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from monitor.page.journey_view import DRAWN, JourneyView, journey_view
from monitor.page.links import Places
from monitor.page.recorded_state import as_recorded
from monitor.page.responses import rendered
from monitor.page.task_list import PAGE, PageQuery
from tests.unit.test_journey_sample import ID, START_MS, Sample
from tests.unit.test_journey_sample import Task as Written
from throughline.journey import assemble, find
from throughline.journey.comparison import Comparison
from throughline.journey.json_document import to_dict
from throughline.ledger.record import Attempt, TaskRecord
from throughline.ledger.states import Reason, Status

ALL = PageQuery()
HERE = Places("http://here:8080")
START = datetime.fromtimestamp(START_MS / 1000, UTC)
LATER = START + timedelta(days=1)


def view(
    sample: Sample, *tasks: TaskRecord, asked: PageQuery = ALL, at: Places = HERE, now: datetime = LATER
) -> JourneyView:
    known = {task.task_id: task for task in tasks}
    return journey_view(assemble(ID, find(sample.var_dir, ID)), known, asked, at, now)


def known(task: Written, status: Status, *attempts: Attempt, fraction: float | None = None) -> TaskRecord:
    progress = None if fraction is None else {"fraction": fraction}
    return TaskRecord(
        task.task_id, status, "calculate_var", "high", correlation_id=ID, progress=progress, attempts=attempts
    )


def test_a_cancelled_task_links_to_the_request_that_cancelled_it_and_back(sample: Sample):
    task = sample.submission(ID)
    of_task = {"task_id": task.task_id, "status": "REVOKED", "event.action": "task.cancelled"}
    sample.log(2000, "cancelled", correlation_id=ID, requested_by="DEL-1", **of_task, **{"span.id": f"{901:016x}"})
    sample.span("api", 1999, 2001, (900, 901, 0), correlation_id="DEL-1", task_id=task.task_id)

    (submission,) = view(sample).requests
    cancellation = journey_view(assemble("DEL-1", find(sample.var_dir, "DEL-1")), {}, ALL, HERE, LATER).requests[0]

    wait, mark = submission.waterfall.rows[-2:]
    assert (wait.what, wait.bar.kind, wait.took) == (("waited in high", "", ""), "wait", "2.00 s")
    assert mark.what == ("cancelled by request ", "DEL-1", "")
    assert (mark.is_mark, mark.took, mark.bar.kind) == (True, "", "api")
    assert [link.url for link in cancellation.effects] == [f"/journeys/{ID}?task={task.task_id}"]


def test_a_task_whose_end_its_record_alone_knows_is_told_as_the_record_tells_it_in_json_too(sample: Sample):
    task = sample.submission(ID)
    sample.span(
        "wait high", 10, 20, (task.trace, 801, task.publish), correlation_id=ID, task_id=task.task_id, queue="high"
    )
    begun = START_MS / 1000
    lost = Attempt(1, "worker-2", 7, begun + 1, begun + 9, Status.RETRY, Reason.LOST_WORKER, last_seen_at=begun + 3)
    record = known(task, Status.SUCCESS, lost, Attempt(2, "worker-1", 8, begun + 9, begun + 10, Status.SUCCESS))
    found = assemble(ID, find(sample.var_dir, ID))

    running = orjson.loads(orjson.dumps(to_dict(found)))
    ended = orjson.loads(orjson.dumps(to_dict(as_recorded(found, {task.task_id: record}))))

    assert running["summary"]["states"] == {"STARTED": 1}
    assert ended["summary"]["states"] == {"SUCCESS": 1}
    attempts = ended["requests"][0]["tasks"][0]["attempts"]
    assert [(each["attempt"], each["status"], each["worker"]) for each in attempts] == [
        (1, "RETRY", "worker-2"),
        (2, "SUCCESS", "worker-1"),
    ]
    assert [(each["took_ms"], each["lost_ms"]) for each in attempts] == [(2000, 6000), (1000, None)]


def test_children_are_drawn_below_their_parent_with_their_attempts(sample: Sample):
    parent = sample.complete(ID)
    child = {"correlation_id": ID, "task_id": "child-1", "parent_id": parent.task_id}
    sample.span("wait low", 50, 60, (parent.trace, 801, parent.run), **child, queue="low")
    now = START + timedelta(seconds=2)
    begun = Attempt(1, "worker-3", 33, START.timestamp() + 0.06)
    record = TaskRecord("child-1", Status.STARTED, "sum", "low", correlation_id=ID, attempts=(begun,))

    shown = view(sample, known(parent, Status.SUCCESS), record, now=now)

    (request,) = shown.requests
    assert (request.outcome.word, request.outcome.took) == ("SUCCESS", ", 2.00 s so far")
    assert [(row.what[0], row.depth, row.ongoing) for row in request.waterfall.rows[-2:]] == [
        ("waited in low", 1, False), ("running", 1, True),
    ]  # fmt: skip
    assert [(attempt.task, attempt.worker) for attempt in request.attempts] == [("child-1", "worker-3")]
    assert shown.refresh_seconds > 0


def test_bars_lie_where_their_steps_lie_in_percent(sample: Sample):
    sample.complete(ID)

    rows = view(sample).requests[0].waterfall.rows

    assert [(row.what[0], row.depth, row.took, row.bar.x, row.bar.width, row.bar.kind) for row in rows] == [
        ("POST /api/v1/tasks → 201", 0, "6.00 ms", 0.0, 5.45, "nginx"),
        ("answered 201", 1, "4.00 ms", 0.91, 3.64, "api"),
        ("accepted into high at position 1", 2, "2.00 ms", 1.82, 1.82, "api"),
        ("waited in high", 0, "7.00 ms", 2.73, 6.36, "wait"),
        ("ran calculate_var → SUCCESS", 0, "100 ms", 9.09, 90.91, "worker"),
        ("simulate 100,000 scenarios", 1, "80.0 ms", 18.18, 72.73, "worker"),
    ]
    assert [row.classes for row in rows] == ["", "", "same", "", "same", "slowest same"]


def test_no_bar_leaves_the_frame_and_none_is_too_short_to_be_seen(sample: Sample):
    task = sample.complete(ID)
    sample.phase("blink", 109.999, 110, task, ID)

    bars = [row.bar for row in view(sample).requests[0].waterfall.rows]

    assert all(bar.width >= 0.4 and bar.x >= 0 and bar.x + bar.width <= 100 for bar in bars)


def test_the_shares_fill_their_bar_in_the_terminals_words(sample: Sample):
    sample.complete(ID)

    shares = view(sample).requests[0].shares

    assert [share.words for share in shares] == [
        "queue wait 7.00 ms (6 %)",
        "run 100 ms (91 %)",
        "the rest 3.00 ms (3 %)",
    ]
    assert sum(share.bar.width for share in shares) == pytest.approx(100, abs=0.05)


def test_a_running_task_is_drawn_to_this_moment(sample: Sample):
    task = sample.submission(ID)
    of_task = {"correlation_id": ID, "task_id": task.task_id}
    sample.span("wait high", 3, 10, (task.trace, task.wait, task.publish), **of_task, queue="high")
    sample.phase("validate", 11, 12, task, ID)
    sample.log(10, "Runs calculate_var", **of_task, task_type="calculate_var", **{"event.action": "task.started"})
    now = START + timedelta(seconds=2)

    (request,) = view(sample, known(task, Status.STARTED, fraction=0.4), now=now).requests

    assert (request.outcome.word, request.outcome.took, request.fraction) == ("STARTED", ", 2.00 s so far", 0.4)
    assert [(row.what[0], row.ongoing) for row in request.waterfall.rows][3:] == [
        ("waited in high", False), ("running calculate_var", True), ("validate", False),
    ]  # fmt: skip
    assert request.waterfall.rows[4].took == "1.99 s"
    assert request.shares[1].words == "run 1.99 s (100 %)"
    assert request.slowest == ("slowest step so far: ", "run calculate_var", " on worker-2, 1.99 s (100 %)")


def test_a_waiting_task_waits_to_this_moment_and_a_retried_one_for_its_next_attempt(sample: Sample):
    task = sample.submission(ID)
    now = START + timedelta(seconds=2)
    (waiting,) = view(sample, known(task, Status.PENDING), now=now).requests
    sample.run(task, ID, 10, 110, status="RETRY", **{"error.type": "ConnectionError"})
    (retried,) = view(sample, known(task, Status.RETRY), now=now).requests

    assert (waiting.waterfall.rows[-1].what[0], waiting.waterfall.rows[-1].bar.kind) == ("waiting in high", "wait")
    assert retried.waterfall.rows[-1].what[0] == "waiting for attempt 2"
    assert retried.waterfall.rows[-1].took == "1.89 s"


def test_a_task_that_redis_does_not_know_is_not_drawn_until_now(sample: Sample):
    sample.submission(ID)

    (request,) = view(sample).requests

    assert request.outcome.took == ", 6.00 ms so far"
    assert not any(row.ongoing for row in request.waterfall.rows)


def test_a_task_whose_end_was_not_written_down_ends_as_redis_has_it(sample: Sample):
    task = sample.submission(ID)
    ended = replace(known(task, Status.SUCCESS), finished_at=START.timestamp() + 2)

    shown = view(sample, ended)

    assert shown.outcome and (shown.outcome.word, shown.outcome.took) == ("SUCCESS", " in 2.00 s")
    assert shown.requests[0].notes == ("The task is SUCCESS: its record says so, its log line has not arrived yet.",)
    assert not any(row.ongoing for row in shown.requests[0].waterfall.rows)
    assert shown.refresh_seconds == 0


def test_attempts_show_their_cause(sample: Sample):
    task = sample.complete(ID)
    lost = Attempt(1, "worker-1", 11, START.timestamp(), START.timestamp() + 1.5, Status.RETRY, Reason.LOST_PROCESS)
    runs = Attempt(2, "worker-2", 12, START.timestamp() + 2)

    first, second = view(sample, known(task, Status.STARTED, lost, runs)).requests[0].attempts

    assert (first.worker, first.process, first.started, first.took) == ("worker-1", 11, "14:45:12", "1.50 s")
    assert (first.outcome, first.tone, first.cause) == ("RETRY", "warn", "lost with process 11 of worker-1")
    assert (second.outcome, second.took) == ("STARTED", "")


def test_an_attempt_that_was_lost_ran_until_its_last_sign_of_life(sample: Sample):
    task, begun = sample.complete(ID), START.timestamp()
    lost = Attempt(1, "worker-1", 11, begun, begun + 11, Status.RETRY, Reason.LOST_WORKER, last_seen_at=begun + 1.2)

    (attempt,) = view(sample, known(task, Status.PENDING, lost)).requests[0].attempts

    assert attempt.took == "1.20 s and 9.80 s without a sign of life"


def test_a_parent_shows_why_its_child_failed(sample: Sample):
    parent = sample.complete(ID)
    child = {"correlation_id": ID, "task_id": "child-1", "parent_id": parent.task_id, "task_type": "sum"}
    failed = {"status": "FAILURE", "error.type": "ValueError", "attempt": 1}
    sample.span("run sum", 60, 70, (parent.trace, 801, parent.run), **child, **failed)

    (request,) = view(sample).requests

    assert (request.error, request.failed_children) == ("", ("child sum child-1 failed: ValueError",))


def test_a_long_type_name_breaks_in_no_word_of_a_sentence(sample: Sample):
    sample.complete(ID)
    compared = Comparison({}, ("Too few to compare with: ", "", "1 task of type recalculation_of_all_portfolios."))
    found = assemble(ID, find(sample.var_dir, ID))

    shown = journey_view(found, {}, ALL, HERE, LATER, lambda _: compared)
    html = rendered("journey.html", view=shown, contents=None, token="", back="")

    assert "1 task of type recalculation_<wbr>of_<wbr>all_<wbr>portfolios." in html


def test_attempts_of_two_versions_say_which_was_which(sample: Sample):
    task = sample.complete(ID)
    lost = Attempt(1, "worker-1", 11, START.timestamp(), version="1.4")
    runs = Attempt(2, "worker-2", 12, START.timestamp() + 2, version="1.5")

    def versions(*attempts: Attempt) -> list[str]:
        return [each.version for each in view(sample, known(task, Status.STARTED, *attempts)).requests[0].attempts]

    assert versions(lost, runs) == ["1.4", "1.5"]
    assert versions(lost, lost) == ["", ""]


def test_a_failed_task_shows_its_last_error(sample: Sample):
    task = sample.submission(ID)
    sample.run(task, ID, 10, 110, status="FAILURE", **{"error.type": "NotCalculable"})
    told = {"event.action": "task.failed", "status": "FAILURE", "error.type": "NotCalculable"}
    sample.log(111, "failed", correlation_id=ID, task_id=task.task_id, **told, **{"error.message": "no result"})

    (request,) = view(sample).requests

    assert request.error == "failed: NotCalculable: no result"
    assert [row.bar.kind for row in request.waterfall.rows if "FAILURE" in row.what[0]] == ["failed"]


def test_log_lines_stand_below_their_step_and_only_so_many(sample: Sample):
    task = sample.complete(ID)
    for at in range(300):
        sample.log(60, f"line {at}", correlation_id=ID, **{"span.id": f"{task.run:016x}"})

    picture = view(sample).requests[0].waterfall

    assert [len(row.logs) for row in picture.rows] == [0, 0, 0, 0, 0, 200]
    assert picture.more_logs == 100
    assert (picture.rows[5].logs[0].offset, picture.rows[5].logs[0].x) == ("60.0 ms", 54.55)


def test_steps_without_number_are_cut_too(sample: Sample):
    task = sample.complete(ID)
    for at in range(300):
        sample.phase("draw", 20 + at / 10, 20.1 + at / 10, task, ID)

    picture = view(sample).requests[0].waterfall

    assert (len(picture.rows), picture.more_steps) == (200, 106)


def test_a_few_tasks_are_drawn_and_many_are_listed(sample: Sample):
    for number in range(DRAWN):
        sample.complete(ID, number * 1000)
    few = view(sample)
    sample.complete(ID, DRAWN * 1000)
    many = view(sample)

    assert [request.heading for request in few.requests] == [f"{n} of {DRAWN}" for n in range(1, DRAWN + 1)]
    assert few.task_list is None
    assert many.requests == ()
    assert many.task_list and [row.number for row in many.task_list.rows] == list(range(1, DRAWN + 2))


def test_a_listing_has_pages_and_a_choice_of_states(sample: Sample):
    for number in range(PAGE + 10):
        task = sample.submission(ID, number * 100)
        sample.run(task, ID, number * 100 + 10, number * 100 + 60, published=number * 100 + 3,
                   status="FAILURE" if number == 40 else "SUCCESS")  # fmt: skip

    second, beyond = (view(sample, asked=PageQuery(page=page)).task_list for page in (2, 99))
    failed = view(sample, asked=PageQuery(status="FAILURE")).task_list

    assert second and (second.page, second.pages, len(second.rows)) == (2, 2, 10)
    assert beyond == second
    assert [each[:3] for each in second.counts] == [("FAILURE", "bad", 1), ("SUCCESS", "good", PAGE + 9)]
    assert failed and [row.number for row in failed.rows] == [41]
    assert [bar.kind for bar in failed.rows[0].bars] == ["api", "wait", "worker"]


def test_in_a_list_too_a_waiting_task_waits_to_this_moment(sample: Sample):
    tasks = [sample.submission(ID, number * 10) for number in range(DRAWN + 1)]
    now = START + timedelta(seconds=2)

    listing = view(sample, known(tasks[0], Status.PENDING), now=now).task_list

    assert listing
    assert [row.outcome.took for row in listing.rows[:2]] == [", 2.00 s so far", ", 6.00 ms so far"]
    assert [bar.kind for bar in listing.rows[0].bars] == ["api", "wait"]


def test_one_task_of_many_has_a_page_of_its_own(sample: Sample):
    tasks = [sample.complete(ID, number * 1000) for number in range(DRAWN + 1)]

    alone = view(sample, asked=PageQuery(task_id=tasks[3].task_id))

    assert [request.facts[2] for request in alone.requests] == [f"task {tasks[3].task_id}"]
    assert (alone.task_list, alone.others) == (None, ())


def test_other_requests_are_a_line_each_and_refusals_come_first(sample: Sample):
    sample.complete(ID)
    for at in range(500, 530):
        sample.read(ID, at)
    sample.read(ID, 600, status=404)

    shown = view(sample)

    assert (len(shown.others), shown.more_others) == (8, 23)
    assert (shown.others[-1].words, shown.others[-1].refused) == ("GET /api/v1/tasks/task-1 → 404", True)


def test_links_lead_to_kibana_and_jaeger_only_where_there_are_any(sample: Sample):
    task = sample.complete(ID)
    there = replace(HERE, kibana="https://k", jaeger="https://j")

    dashboard, kibana = view(sample, at=there).links
    jaeger, alike = view(sample, at=there).requests[0].links

    assert kibana.url.startswith("https://k/app/discover#/?_g=(time:(from:'")
    assert dashboard.url.startswith("https://k/app/dashboards#/view/throughline-journey?_g=(time:(from:'")
    assert all(f"query:(language:kuery,query:'correlation_id:\"{ID}\"')" in each.url for each in (dashboard, kibana))
    assert jaeger.url == f"https://j/trace/{task.trace:032x}"
    assert (view(sample).links, view(sample).requests[0].links) == ((), (alike,))


def test_kibana_is_opened_at_the_time_of_the_journey(sample: Sample):
    there = replace(HERE, kibana="https://k")
    empty = {link.url.partition("_a=")[0] for link in view(sample, at=there).links}
    assert all("time:(from:now-7d,to:now)" in url for url in empty)

    sample.complete(ID)
    shown = view(sample, at=there)
    (when,) = {re.findall(r"_g=\(time:\(from:'([^']+)',to:'([^']+)'\)\)", link.url)[0] for link in shown.links}
    begins, ends = (datetime.fromisoformat(each) for each in when)
    assert begins == START - timedelta(minutes=1)
    assert timedelta(minutes=2) < ends - begins < timedelta(minutes=3)

    sample.submission(ID, at_ms=500)
    assert all(",to:now)" in link.url for link in view(sample, at=there).links)


def test_a_task_leads_to_the_list_of_those_like_it(sample: Sample):
    task = sample.complete(ID)
    attempt = Attempt(1, "worker-1", 1, 1.0, 2.0, Status.FAILURE, error="Odd&Error")
    failed = known(task, Status.FAILURE, attempt)

    assert [link.url for link in view(sample, failed).requests[0].links] == [
        "/tasks?task_type=calculate_var",
        "/tasks?error_type=Odd%26Error",
    ]


def test_commands_name_the_key_when_one_is_needed_and_never_what_a_shell_would_obey(sample: Sample):
    task = sample.complete(ID)
    free, locked = view(sample).commands, view(sample, at=replace(HERE, needs_key=True)).commands

    assert [command.line for command in free] == [
        f'curl -H "Accept: application/json" http://here:8080/journeys/{ID}',
        f"curl http://here:8080/api/v1/tasks/{task.task_id}",
        f"throughline journey {ID} --logs",
    ]
    assert [' -H "X-API-Key: $API_KEY"' in command.line for command in locked] == [True, True, False]
    sample.span("wait high", 900, 901, (99, 98, 0), correlation_id=ID, task_id="x; rm -rf $HOME", queue="high")
    assert not any("rm -rf" in command.line for command in view(sample).commands)


@pytest.mark.parametrize(
    ("age", "seconds"), [(timedelta(seconds=1), 1), (timedelta(minutes=5), 5), (timedelta(hours=2), 0)]
)
def test_an_open_task_is_followed_for_an_hour_at_most(sample: Sample, age: timedelta, seconds: int):
    sample.submission(ID)

    assert view(sample, now=START + age).refresh_seconds == seconds


def test_a_done_task_is_followed_until_its_last_spans_are_there(sample: Sample):
    task = sample.submission(ID)
    of_task = {"correlation_id": ID, "task_id": task.task_id}
    sample.log(100, "done", **of_task, status="SUCCESS", **{"event.action": "task.succeeded"})
    soon = START + timedelta(seconds=1)
    assert view(sample, now=soon).refresh_seconds == 1
    assert view(sample, now=START + timedelta(minutes=1)).refresh_seconds == 0

    sample.run(task, ID, 10, 100)
    assert view(sample, now=soon).refresh_seconds == 0


def test_a_journey_of_hundreds_is_searched_less_often(sample: Sample):
    for number in range(200):
        sample.submission(ID, number)

    assert view(sample, now=START + timedelta(seconds=1)).refresh_seconds == 3


def test_a_journey_that_was_written_just_now_is_refreshed_soon(sample: Sample):
    sample.log(0, "the first to be written", correlation_id=ID)
    soon, later = START + timedelta(seconds=1), START + timedelta(minutes=1)
    assert (view(sample, now=soon).refresh_seconds, view(sample, now=later).refresh_seconds) == (1, 0)

    sample.read(ID, 100)
    assert (view(sample, now=soon).refresh_seconds, view(sample, now=later).refresh_seconds) == (1, 0)


def test_lines_without_spans_are_shown(sample: Sample):
    sample.log(0, "all there is", correlation_id=ID)

    shown = view(sample)

    assert (shown.contents, shown.requests, shown.refresh_seconds) == ("1 log line", (), 0)
    assert [line.message for line in shown.loose_logs] == ["all there is"]
