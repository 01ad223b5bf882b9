"""An author tests a task without Redis, and sees what a worker would see."""

import json
from typing import Any

import numpy as np
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
    for name in ("test_count", "test_tell", "test_submit"):
        declared.pop(name, None)


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
    with pytest.raises(InvalidResult, match=r"result\.nan is NaN: JSON has no such number"):
        run_task(count, {"text": "", "odd": True})


@task("test_tell", model=Text)
def tell(data: Text, run: Run):
    half: Any = np.float32(0.5)
    run.checkpoint(half, estimate=np.float64(2), interval=(half * 2, 3))
    run.checkpoint(1, estimate=float("nan"), interval=(0, 1))
    run.checkpoint({"high": 1.5, "none": float("nan")}.get(data.text, 1.0))
    with run.phase({"empty": "", "lines": "a\nb"}.get(data.text, "named")):
        pass


def test_progress_is_plain_numbers_whatever_the_task_calculates_with():
    first, second, _ = run_task(tell, {"text": ""}).progress
    assert (first.fraction, first.estimate, first.interval) == (0.5, 2.0, (1.0, 3.0))
    assert type(first.fraction) is type(first.estimate) is float
    assert (second.fraction, second.estimate, second.interval) == (1.0, None, None)


@pytest.mark.parametrize(
    ("text", "words"), [("high", "from 0 to 1"), ("none", "from 0 to 1"), ("empty", "a name"), ("lines", "a name")]
)
def test_what_could_not_be_written_down_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        run_task(tell, {"text": text})


def test_what_it_submits_is_checked_and_kept():
    @task("test_submit", model=Text)
    def submit(data: Text, run: Run):
        return len(run.submit("test_count", Text(text=data.text), queue="low"))

    (child,) = run_task(submit, {"text": "a"}).submitted
    assert (child.task_type, child.data, child.queue) == ("test_count", {"text": "a"}, "low")
