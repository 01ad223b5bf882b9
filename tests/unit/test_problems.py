"""A client is told which field is wrong, in the words of its own document."""

import pytest

from api.problems import field_path


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("body", "data", "positions", 0, "price"), "data.positions[0].price"),
        (("body", "data", "correlations", 1, 2), "data.correlations[1][2]"),
        (("query", "correlation_id"), "correlation_id"),
        (("body",), "(body)"),
    ],
)
def test_a_location_reads_as_people_write_it(location, path):
    assert field_path(location) == path
