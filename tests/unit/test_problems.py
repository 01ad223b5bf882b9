"""A problem names the wrong field by its path in the client's own document."""

import pytest
from pydantic import ValidationError

from api.submission import TaskSubmission
from throughline.tasks.field_path import client_path, joined
from throughline.tasks.registry import registry

POSITION = {"symbol": "AAPL", "quantity": 100, "price": 150.0}
OPTION = {"style": "barrier", "right": "call", "spot": 100.0, "strike": 100.0, "maturity": 1.0, "volatility": 0.2}
VAR = {"task_type": "calculate_var"}
PRICING = {"task_type": "monte_carlo_pricing"}


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("data", "positions", 0, "price"), "data.positions[0].price"),
        (("data", "correlations", 1, 2), "data.correlations[1][2]"),
        (("correlation_id",), "correlation_id"),
        ((), ""),
    ],
)
def test_a_location_reads_as_people_write_it(parts, path):
    assert joined(parts) == path


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (
            VAR | {"data": {"portfolio_data": {"positions": [POSITION | {"price": 0}]}}},
            "data.portfolio_data.positions[0].price",
        ),
        (VAR | {"data": {"portfolio_data": {"positions": [POSITION]}, "calculate_var": 1}}, "data.calculate_var"),
        (VAR, "data"),
        ({"task_type": "calculate_vra", "data": {}}, "task_type"),
        ({"data": {}}, "task_type"),
        (PRICING | {"data": {"option": OPTION | {"kind": "up-and-out"}}}, "data.option.barrier"),
        (PRICING | {"data": {"option": OPTION | {"kind": "up-and-out", "barrier": 90.0}}}, "data.option"),
        (PRICING | {"data": {"option": OPTION | {"style": "bermudan"}}}, "data.option.style"),
    ],
)
def test_a_mistake_is_told_by_its_path_in_the_clients_own_document(document, path):
    with pytest.raises(ValidationError) as raised:
        TaskSubmission.model_validate(document)
    assert client_path(raised.value.errors()[0], document, discriminators=registry().discriminators) == path


def test_a_union_that_nothing_fits_names_what_is_on_offer():
    with pytest.raises(ValidationError, match="'monte_carlo_pricing', 'portfolio_optimization', 'stress_test'"):
        TaskSubmission.model_validate({"task_type": "calculate_vra", "data": {}})
