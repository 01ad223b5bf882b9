"""The page of the workers and the map: their words and numbers, and where things stand."""

from itertools import pairwise
from typing import Any

import pytest

from monitor.page.responses import rendered
from monitor.page.system_map.layout import WIDTH, layout, shortened
from monitor.page.system_map.minute import Flow, Look, Minute, between
from monitor.page.system_map.parts import parts, rate
from monitor.page.system_map.replicas import Replica, Replicas
from monitor.page.traffic import Answers, Traffic
from monitor.page.workers.view import workers_view
from throughline.cli.workers import lines
from throughline.ledger.clocks import HostClock
from throughline.ledger.counts import Counts, Durations
from throughline.ledger.deaths import Death
from throughline.ledger.message import Queue
from throughline.ledger.queue_sample import Sample
from throughline.ledger.states import Status
from throughline.ledger.workers import Facts, HeldTask, Runs, Workers, WorkerState, runs_by_worker

NOW = 1_800_000_000.0
POD = "throughline-worker-6f9c7b5d8-x7f2k-of-40"


def worker(name="worker-1", silent=1.0, **more):
    told: dict[str, Any] = {
        "last_seen_at": NOW - silent,
        "is_alive": silent < 10,
        "started_at": NOW - 7_200,
        "stalled_since": None,
        "slots": 4,
        "facts": Facts("1.4.0", 90 * 1024**2, ((7, 110 * 1024**2),)),
        "tasks": (),
        "runs": Runs({}),
    }
    return WorkerState(name=name, **told | more)


def running(task_id="t-1", since=3.2):
    return HeldTask(task_id, "calculate_var", "ABC-1", "", NOW - since, 1)


def sample(**more):
    told: dict[str, Any] = {
        "depth": dict.fromkeys(Queue, 0),
        "oldest_age": dict.fromkeys(Queue, 0.0),
        "in_flight": 0,
        "workers": (),
        "circuit": "closed",
        "transitions": {},
        "gaps": {},
        "promises": {},
    }
    return Sample(**told | more)


def traffic(**minute):
    return Traffic(answered=0, refused=0, failed=0, seconds=300.0, recent=(), minute=minute, taken=30)


def seen(*workers, deaths=(), clocks=()):
    return Workers(NOW, workers, tuple(deaths), tuple(clocks))


# The page of the workers.


def test_a_clock_that_is_off_is_told_whoever_has_it():
    clocks = [
        HostClock("api", "fastapi-1", -0.4),
        HostClock("worker", "worker-1", 0.09),
        HostClock("monitor", "monitor", 3.0),
    ]
    told = ("The clock of fastapi-1 is 400 ms behind Redis's.", "The clock of monitor is 3.00 s ahead of Redis's.")
    assert workers_view(seen(worker(), clocks=clocks)).clocks == told


def test_the_outcomes_of_a_workers_runs_add_up():
    runs = Runs({("high", Status.SUCCESS): 99, ("low", Status.FAILURE): 2, ("low", Status.RETRY): 1}, lost=1)
    (row,) = workers_view(seen(worker(runs=runs))).workers
    assert (row.ran, row.outcomes, row.lost) == ("102", "99 succeeded, 2 failed, 1 retried", "1 process lost")


@pytest.mark.parametrize(
    ("silent", "word", "words"),
    [
        (1, "alive", "seen 1 s ago"),
        (9, "silent", "last sign of life 9 s ago"),
        (75, "lost", "last sign of life 1 min ago"),
    ],
)
def test_a_silent_worker_says_since_when(silent, word, words):
    (row,) = workers_view(seen(worker(silent=silent))).workers
    assert (row.word, row.seen) == (word, words)


def test_a_stalled_worker_says_for_how_long():
    (row,) = workers_view(seen(worker(stalled_since=NOW - 20))).workers
    assert (row.word, row.tone, row.seen) == ("stalled", "warn", "has taken nothing for 20 s, though tasks wait")


def test_a_worker_of_an_earlier_version_says_what_it_can():
    (row,) = workers_view(seen(worker(facts=Facts(), started_at=None, tasks=(running(),)))).workers
    assert (row.memory, row.version, row.since, row.slots) == ("–", "–", "–", "1 of 4")
    assert [task.since for task in row.tasks] == ["for 3.20 s"]


def test_a_death_says_who_why_when_and_what_it_ran():
    told = '{"worker":"worker-2","process":7,"at":"%s","cause":"signal","detail":9,"tasks":[{"task_id":"t-1"}]}'
    (row,) = workers_view(seen(deaths=[Death.parse(told % (NOW - 61))])).deaths
    assert (row.who, row.process, row.cause, row.ago) == (
        "worker-2",
        "process 7",
        "killed by signal 9 (SIGKILL)",
        "1 min ago",
    )
    assert [(task.task_id, task.task_type) for task in row.tasks] == [("t-1", "a task")]


def test_counts_of_workers_with_blanks_in_their_names_are_theirs():
    told = runs_by_worker({"a high SUCCESS": "1", "a b low FAILURE": "2", "a b lost": "3", "a b low ODD": "9"})
    assert (told["a"].count(), told["a b"].count(), told["a b"].lost) == (1, 2, 3)


# The minute.


def test_a_minute_is_what_was_counted_between_two_looks():
    def look(seconds, runs, waited, failed):
        counts = Counts.parse(
            {"waited|0.5|high|calculate_var": str(waited), "waited_us|high|calculate_var": "0"}, seconds
        )
        return Look(counts, {"w": Runs({("high", Status.SUCCESS): runs, ("high", Status.FAILURE): failed})})

    minute = between(look(100.0, 5, 5, 0), look(160.0, 9, 11, 2))
    assert (minute.queues["high"].runs, minute.queues["high"].failed, minute.queues["high"].per_second) == (6, 2, 0.1)
    assert (minute.workers["w"].runs, minute.workers["w"].failed) == (6, 2)
    restarted = between(look(100.0, 50, 50, 0), look(160.0, 3, 53, 0))
    assert restarted.workers["w"].runs == 3


# The map.


def drawn(count=3, names=None, minute=None, **more):
    workers = [worker(name, tasks=(running(),)) for name in names or [f"worker-{n}" for n in range(1, count + 1)]]
    replicas = [Replica(f"fastapi-{n}", "1.4.0", NOW - 3) for n in (1, 2, 3)]
    told = parts(
        sample(**more),
        seen(*workers),
        minute or Minute(60.0, {}, {}),
        traffic(**{"fastapi-1": Answers(120, 6, 12.4)}),
        replicas,
    )
    return layout(told)


def test_numbers_on_the_map_are_those_of_the_lines_and_of_the_ledger():
    waits = Durations(microseconds=600_000) + Durations((0,) * 17 + (6,))
    minute = Minute(60.0, {"high": Flow(60.0, 6, 3, waits)}, {"worker-1": Flow(60.0, 6, 3)})
    told = drawn(minute=minute).parts
    high = told.queues[0]
    assert (told.nginx.state, told.taken) == ("2.0/s requests", "0.50/s tasks")
    assert (told.replicas[0].rate, told.replicas[0].failing, told.replicas[0].detail) == (
        "2.0/s",
        "5 % failed",
        "p95 12 ms",
    )
    assert (high.rate, high.failing, high.detail) == (
        "0.10/s",
        "50 % failed",
        "waited 100 ms",
    )
    assert (told.workers[0].rate, told.workers[0].state) == ("0.10/s", "1 of 4 busy")


def test_what_is_down_is_drawn_as_down_with_since_when():
    told = parts(
        sample(circuit="open"),
        seen(worker(silent=40)),
        Minute(60.0, {}, {}),
        traffic(),
        [Replica("fastapi-2", "1.4.0", NOW - 30)],
    )
    assert (told.replicas[0].tone, told.replicas[0].state) == ("bad", "down, seen 30 s ago")
    assert (told.workers[0].tone, told.workers[0].state) == ("bad", "lost, seen 40 s ago")
    assert told.refused == "breaker open"
    assert sum(arrow.tone == "bad" for arrow in layout(told).arrows) == 5  # to both of them, and to the three queues


@pytest.mark.parametrize("count", [1, 3, 12])
def test_nothing_on_the_map_overlaps_or_leaves_it(count):
    map_ = drawn(names=[f"{POD[:-2]}{n:02}" for n in range(count)])
    for node in map_.nodes:
        assert node.x + node.width <= WIDTH
        assert 0 <= node.y <= node.y + node.height <= map_.height
    for x in {node.x for node in map_.nodes}:
        column = sorted((node.y, node.y + node.height) for node in map_.nodes if node.x == x)
        assert all(above[1] < below[0] for above, below in pairwise(column))
    assert all(len(node.name) <= 26 for node in map_.nodes)


def test_a_long_name_keeps_its_beginning_and_its_end():
    assert shortened(POD, 160) == "throughlin…k-of-40"[:10] + "…" + POD[-10:]
    assert shortened("worker-1", 160) == "worker-1"


def test_without_workers_replicas_and_lines_the_map_is_drawn_too():
    told = parts(sample(), seen(), Minute(0.0, {}, {}), None, [])
    assert layout(told).parts.nginx.state == "no access lines"


@pytest.mark.parametrize(("number", "words"), [(0, "0/s"), (3, "0.05/s"), (90, "1.5/s"), (60_000, "1,000/s")])
def test_a_rate_has_as_many_digits_as_a_glance_takes_in(number, words):
    assert rate(number, 60.0) == words


def test_a_replica_that_fell_silent_is_drawn_for_two_minutes():
    replicas = Replicas()
    told = {"api fastapi-1": f"1.0 {NOW - 900} {NOW}", "worker worker-1": f"1.0 {NOW} {NOW}"}
    assert [each.name for each in replicas.update(told, NOW)] == ["fastapi-1"]
    (gone,) = replicas.update({}, NOW + 60)
    assert gone.is_down(NOW + 60)
    assert replicas.update({}, NOW + 121) == ()


def test_names_that_would_be_markup_are_text():
    told = workers_view(seen(worker("<b>"), deaths=[Death.parse('{"worker":"<i>","cause":"<u>"}')]))
    html = rendered("workers.html", view=told)
    assert not {"<b>", "<i>", "<u>"} & set(html.replace("><", "> <").split())
    assert "&lt;b&gt;" in html


# In the terminal.


def told_of(**more):
    ran = {"total": 3, "succeeded": 2, "failed": 1, "retried": 0, "cancelled": 0, "lost_processes": 1}
    worker = {"name": "worker-1", "alive": True, "last_seen_at": NOW, "slots": 4, "running": [], "ran": ran}
    return worker | more


def test_the_terminal_says_the_same():
    runs = {"task_type": "calculate_var", "task_id": "t-1", "since": NOW - 12}
    death = {"worker": "worker-2", "process": 7, "at": NOW - 61, "cause": "killed by signal 9 (SIGKILL)", "tasks": []}
    seen = {
        "now": NOW,
        "workers": [told_of(running=[runs], version="1.4.0"), told_of(alive=False, last_seen_at=NOW - 75)],
        "deaths": [death],
    }
    assert [line for _, line, _ in lines(seen)] == [
        "worker-1  alive, 1 of 4 busy, 1.4.0",
        "ran 3: 2 succeeded, 1 failed; 1 process lost",
        "runs calculate_var t-1 for 12 s",
        "worker-1  lost, last sign of life 1 min ago, 0 of 4 busy",
        "ran 3: 2 succeeded, 1 failed; 1 process lost",
        "Latest deaths:",
        "1 min ago: process 7 of worker-2 killed by signal 9 (SIGKILL)",
    ]


def test_without_workers_the_terminal_says_so():
    told = list(lines({"now": NOW, "workers": [], "deaths": []}))
    assert [line for _, line, _ in told] == ["No worker was seen within the last five minutes."]
