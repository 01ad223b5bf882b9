"""Classes of duration: in order, and with borders at the times that people ask for."""

from hypothesis import given
from hypothesis import strategies as st

from throughline.ledger.history.duration_class import LONGEST, duration_class

MILLISECONDS = st.floats(min_value=-10, max_value=1e15, allow_nan=False)


@given(MILLISECONDS, MILLISECONDS)
def test_a_longer_time_is_never_in_a_lower_class(one: float, other: float):
    assert (duration_class(one) <= duration_class(other)) or one > other
    assert 0 <= duration_class(one) <= LONGEST


def test_a_round_time_is_where_a_class_begins():
    for time in (1, 20, 250, 500, 1_000, 1_500, 2_000, 5_000, 30_000, 60_000, 90_000, 120_000, 300_000, 600_000):
        assert duration_class(time - 0.001) < duration_class(time) == duration_class(time + 0.001)
