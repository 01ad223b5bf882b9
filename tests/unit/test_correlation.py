"""A correlation ID can be trusted wherever it turns up: in a log line, in a URL, in a header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughline.telemetry import correlation

SAFE = "ABCabc019._:-"


@given(st.text(alphabet=SAFE, min_size=1, max_size=128))
def test_an_id_of_safe_characters_is_kept(candidate):
    assert correlation.keep_or_make(candidate) == candidate


@pytest.mark.parametrize(
    "candidate",
    [None, "", "x" * 129, 'a"b', "a\nb", "a\n", "a b", "ä", "<script>", "a/b", "a,b", "٣", "{}", "a'b"],
)
def test_any_other_id_is_replaced_by_a_new_one(candidate):
    made = correlation.keep_or_make(candidate)
    assert made != candidate
    assert correlation.is_valid(made)
    assert made != correlation.keep_or_make(candidate)


def test_the_binding_ends_with_the_block():
    with correlation.bound("outer", "task-1"):
        with correlation.bound("inner"):
            assert (correlation.current(), correlation.current_task()) == ("inner", "")
        assert (correlation.current(), correlation.current_task()) == ("outer", "task-1")
    assert correlation.current() == ""
