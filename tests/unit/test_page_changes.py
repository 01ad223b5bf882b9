"""What the page says of versions: what runs, what was deployed, and what each version did within the same time."""

from monitor.page.changes.changes_view import FEW, ChangesView, changes_view, now_view
from monitor.page.changes.releases import releases
from monitor.page.responses import rendered
from monitor.page.traffic import Answered, Traffic
from throughline.ledger.counts import BOUNDS, Counts, Durations, Ran
from throughline.ledger.deployments import Deployment, Running, Versions
from throughline.ledger.states import Status

NOON = 1_800_000_000.0
OLD, NEW = "1.4", "1.5"


def deployed(service: str, at: float, version: str = NEW, before: str = OLD) -> Deployment:
    return Deployment(service, version, before, NOON + at)


def ran(number: int, bound: float) -> Durations:
    return Durations(tuple(number * (each == bound) for each in (*BOUNDS, 0.0)))


def counts(runs: dict[Ran, Durations], seconds: float) -> Counts:
    return Counts(runs, {}, {}, seconds)


def view(versions: Versions | None = None, runs: Counts | None = None, seen: Traffic | None = None) -> ChangesView:
    return changes_view(versions or Versions(), runs, seen, [], NOON + 3600)


def test_services_that_change_within_minutes_are_one_release_in_the_order_of_a_requests_way():
    found = releases([deployed("worker", 90), deployed("nginx", 200), deployed("api", 0)])

    assert [(each.services, each.at, each.words) for each in found] == [
        (("nginx", "api", "worker"), NOON, "1.4 → 1.5 (nginx, api, worker)")
    ]


def test_a_rollback_and_a_second_try_are_releases_of_their_own_the_latest_first():
    tries = [deployed("api", 0), deployed("api", 60, OLD, NEW), deployed("api", 120), deployed("worker", 4000)]

    assert [(each.version, each.services, each.at - NOON) for each in releases(tries)] == [
        (NEW, ("worker",), 4000), (NEW, ("api",), 120), (OLD, ("api",), 60), (NEW, ("api",), 0),
    ]  # fmt: skip


def test_each_version_is_told_with_its_share_of_failures_and_its_durations_and_each_type_that_both_ran():
    runs = {
        Ran("var", OLD, Status.SUCCESS): ran(98, 0.1),
        Ran("var", OLD, Status.FAILURE): ran(2, 0.1),
        Ran("var", NEW, Status.SUCCESS): ran(40, 1.0),
        Ran("var", NEW, Status.RETRY): ran(10, 1.0),
        Ran("sum", NEW, Status.SUCCESS): ran(1000, 0.005),
    }
    rows = view(runs=counts(runs, 1800)).runs

    told = [(each.task_type, each.version, each.runs, each.failed, each.retried) for each in rows]
    assert told == [
        ("all", OLD, "100", "2 (2.0 %)", "0"),
        ("all", NEW, "1,050", "0", "10 (1.0 %)"),
        ("var", OLD, "100", "2 (2.0 %)", "0"),
        ("var", NEW, "50", "0", "10 (20.0 %)"),
    ]
    assert [(each.p50, each.p95) for each in rows[2:]] == [("75.0 ms", "97.5 ms"), ("750 ms", "975 ms")]
    assert view(runs=counts(runs, 1800)).runs_within == "within the last 30 minutes"


def test_a_version_with_few_runs_or_requests_is_called_too_small_to_compare():
    runs = {Ran("var", OLD, Status.SUCCESS): ran(FEW, 0.1), Ran("var", NEW, Status.SUCCESS): ran(FEW - 1, 0.1)}
    seen = Traffic(25, 0, 1, 300, (), {OLD: Answered(FEW, 0), NEW: Answered(4, 1), "none": Answered(1, 1)})
    shown = view(runs=counts(runs, 60), seen=seen)

    assert [(each.version, each.few) for each in shown.runs] == [(OLD, False), (NEW, True)]
    assert [(each.version, each.failed, each.few) for each in shown.requests] == [
        (OLD, "0", False), (NEW, "1 (25.0 %)", True), ("none", "1 (100.0 %)", True),
    ]  # fmt: skip
    html = rendered("changes.html", view=shown)
    assert html.count("too few to compare") == 3
    assert "no replica answered" in html


def test_what_runs_and_what_was_deployed_is_shown_and_leads_to_the_tasks_since_then():
    running = (Running("api", NEW, NOON, 2), Running("worker", OLD, NOON - 60, 3), Running("worker", NEW, NOON, 1))
    versions = Versions(running, (deployed("api", 0), deployed("worker", 30)))
    shown = view(versions)

    assert [(each.service, each.version, each.instances) for each in shown.running][1:] == [
        ("worker", OLD, "3"), ("worker", NEW, "1"),
    ]  # fmt: skip
    (release,) = shown.releases
    assert (release.services, release.ago) == ("api, worker", "1 hour ago")
    assert release.tasks_url == "/tasks?submitted_after=2027-01-15T08:00:00Z"
    now = now_view(versions, NOON + 90)
    assert now.versions == ((NEW, "api, worker"), (OLD, "worker"))
    assert now.latest is not None
    assert now.latest.ago == "1 minute ago"


def test_a_page_without_anything_says_so():
    html = rendered("changes.html", view=view())

    for words in ("No process has said yet", "None is on record", "No run has ended.", "No request to the API"):
        assert words in html
