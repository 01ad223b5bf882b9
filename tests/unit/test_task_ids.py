"""What can be a task's ID: whatever else a client sends as one makes no key."""

import pytest

from throughline.ledger import keys

OF_A_TASK = (keys.task, keys.attempts, keys.changes, keys.message, keys.moved, keys.celery_result)


@pytest.mark.parametrize(
    "own", ["6f1c2f5e-9d0b-4c1e-8a43-0d5b7c2e9a11", "order:42", "größe-1", "a:attempts:2", "x" * 255, ":", "*", "../x"]
)
def test_a_celery_client_may_choose_its_own(own: str):
    assert keys.is_task_id(own)
    made = [key(own) for key in OF_A_TASK]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    "odd",
    ["", " ", "a b", "a\n", "nul\0", "\x85", "\u2028", "half \ud800", "x" * 256]
    + [f"x{end}" for end in (":attempts", ":changes", ":message")],
)
def test_what_would_be_the_key_of_something_else_is_none(odd: str):
    assert not keys.is_task_id(odd)
    for key in OF_A_TASK:
        with pytest.raises(keys.NoTaskId):
            key(odd)


def test_no_key_of_a_task_is_that_of_another():
    ids = ["x", "x:attempts:1", "x:y", "x:y:z", ":attempts:", "x:moved"]
    made = [key(each) for each in ids for key in OF_A_TASK]
    assert len(set(made)) == len(made)
