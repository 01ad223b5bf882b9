"""Which tests `pytest -n` keeps together."""

from tests.distribution import SharedNine


def scope_of(file: str) -> str:
    scheduler = object.__new__(SharedNine)  # without a run that it belongs to
    return str(scheduler._split_scope(f"{file}::test_something[a::b]"))


def test_what_shares_a_set_of_the_nine_is_given_to_one_process():
    assert scope_of("tests/system/test_request.py") == scope_of("tests/system/test_local_run.py") == "nine"
    assert scope_of("tests/suites/test_json.py") == scope_of("tests/suites/test_metrics.py") == "suites"


def test_a_file_that_starts_its_own_or_needs_none_is_for_itself():
    for file in ("tests/system/test_clients.py", "tests/integration/test_claim.py"):
        assert scope_of(file) == file
