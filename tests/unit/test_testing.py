"""An author tests a task without Redis, and sees what a worker would see."""

import json

import pytest
from pydantic import BaseModel

from throughline import InvalidTaskData, PermanentError, Run, TaskCancelled, task
from throughline.errors import InvalidResult
from throughline.tasks.declaration import declared
from throughline.testing import run_task


class Text(BaseModel):
    text: str
    odd: bool = False


class Count(BaseModel):
    words: int


@task("test_count", model=Text)
def count(data: Text, run: Run):
    with run.phase("split", kind="blanks") as phase:
        words = data.text.split()
        phase.part("look", 0.25)
        phase.part("look", 0.25)
        with run.phase("count"):
            run.log.info("counting")
    run.checkpoint(0.5, estimate=3.0, interval=(1.0, 5.0))
    run.checkpoint(1.0)
    return {"count": Count(words=len(words)), "attempt": run.attempt, "nan": float("nan") if data.odd else 0.0}


def teardown_module():
    del declared["test_count"]


def test_result_phases_and_progress_are_kept():
    done = run_task(count, {"text": "to be or"}, attempt=2)
    assert done.result == {"count": {"words": 3}, "attempt": 2, "nan": 0.0}
    assert json.dumps(done.result)
    assert done.phase_names == ["split", "count"]
    split, inner = done.phases
    assert (split.attributes, split.parts, split.within) == ({"kind": "blanks"}, {"look": 0.5}, None)
    assert inner.within is split
    assert split.seconds >= inner.seconds > 0
    assert [(each.fraction, each.estimate) for each in done.progress] == [(0.5, 3.0), (1.0, None)]


def test_a_task_is_found_by_its_name_too():
    assert run_task("test_count", {"text": ""}).result["count"] == {"words": 0}
    with pytest.raises(LookupError, match="not declared"):
        run_task("test_cuont", {})


def test_it_is_cancelled_at_the_first_checkpoint_that_is_far_enough():
    with pytest.raises(TaskCancelled):
        run_task(count, {"text": ""}, cancel_at=0.6)


def test_what_the_model_refuses_is_raised_as_a_worker_would():
    with pytest.raises(InvalidTaskData, match=r"^data\.text: Input should be a valid string$"):
        run_task(count, {"text": 1})
    assert issubclass(InvalidTaskData, PermanentError)


def test_a_result_that_cannot_be_stored_is_raised():
    with pytest.raises(InvalidResult, match=r"result\['nan'\] is NaN"):
        run_task(count, {"text": "", "odd": True})
