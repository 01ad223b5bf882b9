"""`throughline submit --wait` says why the task failed, beside its JSON."""

from throughline.cli.submit import _why_failed


def test_a_failed_task_is_told_with_its_error_and_its_earlier_attempts():
    attempts = [{"worker": "worker-1", "cause": "lost with worker-1"}, {"worker": "worker-2", "cause": "ValueError"}]
    error = {"type": "ValueError", "message": "no price"}

    assert list(_why_failed({"status": "FAILURE", "error": error, "attempts": attempts})) == [
        "failed after 2 attempts: ValueError: no price",
        "  attempt 1 on worker-1: lost with worker-1",
    ]
    assert list(_why_failed({"status": "FAILURE", "error": error})) == ["failed: ValueError: no price"]


def test_a_task_that_did_not_fail_has_nothing_to_explain():
    assert list(_why_failed({"status": "SUCCESS", "attempts": [{"worker": "worker-1"}]})) == []
    assert list(_why_failed({"status": "PENDING"})) == []
