"""An ID with many tasks: a summary first, then one of them or all."""

from typing import Any

from tests.unit.test_journey_failures import drawn
from tests.unit.test_journey_sample import ID, Sample
from throughline.journey import assemble, find
from throughline.journey.json_document import to_dict
from throughline.journey.many_tasks import is_many, many_tasks


def sixty(sample: Sample) -> list[str]:
    """59 that ended well, the 30th after longest; every 20th failed."""
    made = []
    for number in range(1, 61):
        task = sample.submission(ID)
        made.append(task.task_id)
        bad = number % 20 == 7
        status: dict[str, Any] = {"status": "FAILURE", "error.type": "ValueError"} if bad else {"status": "SUCCESS"}
        sample.run(task, ID, 10, 500 if number == 30 else 50 + number, **status)
        if bad:
            told: dict[str, Any] = {
                "event.action": "task.failed",
                "attempt": 1,
                "error.message": f"no price for {number}",
            }
            of_task = {"correlation_id": ID, "task_id": task.task_id}
            sample.log(50 + number, "failed", service="worker", node="worker-2", **of_task, **told, **status)
    return made


def test_sixty_tasks_are_states_types_the_slowest_and_the_failed_with_their_error(sample: Sample):
    made = sixty(sample)

    lines = drawn(sample)
    assert len(lines) < 30
    assert lines[0] == f"{ID}  60 tasks: 57 SUCCESS, 3 FAILURE"
    assert lines[2:4] == [
        "type            tasks  half took    slowest",
        "calculate_var      60    81.0 ms     500 ms",
    ]
    assert lines[lines.index("slowest") + 1] == f"    500 ms  SUCCESS  {made[29]}  calculate_var"
    where = lines.index("failed")
    assert lines[where + 1] == "  3 tasks: ValueError: no price for 7"
    assert [line.split()[0] for line in lines[where + 2 : where + 5]] == [made[6], made[26], made[46]]
    assert any(line.endswith(f"journey {ID} --task {made[6]}") for line in lines)
    assert any(line.endswith(f"journey {ID} --all") for line in lines)


def test_each_is_still_there_for_who_asks(sample: Sample):
    made = sixty(sample)

    assert sum("ran calculate_var" in line for line in drawn(sample, all=True)) == 60
    found = assemble(ID, find(sample.var_dir, ID)).of_task(made[6])
    assert not is_many(found)
    assert len(to_dict(assemble(ID, find(sample.var_dir, ID)))["requests"]) == 60


def test_json_has_the_summary_too(sample: Sample):
    made = sixty(sample)

    summary = to_dict(assemble(ID, find(sample.var_dir, ID)))["summary"]
    assert summary["states"] == {"SUCCESS": 57, "FAILURE": 3}
    assert summary["types"][0]["task_type"] == "calculate_var"
    assert (summary["slowest"][0]["task_id"], summary["slowest"][0]["took_ms"]) == (made[29], 500.0)
    alike = [made[6], made[26], made[46]]
    assert summary["errors"] == [{"error": "ValueError: no price for 7", "count": 3, "task_ids": alike}]


def test_a_task_with_many_children_is_many_tasks_and_a_child_is_drawn_alone(sample: Sample):
    parent = sample.complete(ID)
    for at in range(120):
        wait, run = sample.new_id(), sample.new_id()
        child = {"correlation_id": ID, "task_id": f"child-{at}", "parent_id": parent.task_id}
        start = 20 + at / 2
        sample.span("wait low", start, start + 1, (parent.trace, wait, parent.run), **child, queue="low")
        sample.span("run sum", start + 1, start + 9, (parent.trace, run, wait), **child, status="SUCCESS")

    seen = many_tasks(assemble(ID, find(sample.var_dir, ID)).submissions)
    assert (seen.count, seen.states) == (121, (("SUCCESS", 121),))
    assert len(drawn(sample)) < 30
    alone = [line for line in drawn(sample, task_id="child-7") if "ran " in line or "waited" in line]
    assert len(alone) == 2
    assert alone[1].endswith("ran sum → SUCCESS")


def test_a_few_tasks_are_drawn_one_below_the_other(sample: Sample):
    for _ in range(5):
        sample.run(sample.submission(ID), ID, 10, 50)

    assert not is_many(assemble(ID, find(sample.var_dir, ID)))
