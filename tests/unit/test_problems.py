"""A problem names the wrong field by its path in the client's own document."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from api.submission import TaskSubmission
from throughline.tasks.field_path import client_path, joined
from throughline.tasks.registry import registry

POSITION = {"symbol": "AAPL", "quantity": 100, "price": 150.0}
OPTION = {"style": "barrier", "right": "call", "spot": 100.0, "strike": 100.0, "maturity": 1.0, "volatility": 0.2}
VAR = {"task_type": "calculate_var"}
PRICING = {"task_type": "monte_carlo_pricing"}
STRESS = {"task_type": "stress_test"}
NESTED = "data.portfolio_data."


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
        (VAR | {"data": {"positions": 5}}, "data.positions"),
        (VAR | {"data": {"positions": [POSITION | {"price": 0}]}}, "data.positions[0].price"),
        (VAR | {"data": {"positions": [{"symbol": "A", "quantity": 1}]}}, "data.positions[0].price"),
        (VAR | {"data": {"positions": [POSITION | {"prise": 1}]}}, "data.positions[0].prise"),
        (VAR | {"data": {"positions": [POSITION], "nearest_correlations": "yes"}}, "data.nearest_correlations"),
        (VAR | {"data": {"positions": [POSITION], "returns": [[0.1], ["x"]]}}, "data.returns[1][0]"),
        (VAR | {"data": {"positions": [POSITION], "correlation": 1}}, "data.correlation"),
        (VAR | {"data": {"positions": [POSITION], "nearest_correlations": True}}, "data"),
        (VAR | {"data": {"returns": [[0.1]]}}, "data.portfolio_data"),
        (VAR | {"data": {"portfolio_data": {}, "positions": [POSITION]}}, "data.portfolio_data.positions"),
        (VAR | {"data": {"portfolio_data": {"positions": [POSITION]}, "positions": []}}, "data.positions"),
        (
            STRESS | {"data": {"portfolio_data": {"positions": [POSITION | {"beta": "x"}]}}},
            NESTED + "positions[0].beta",
        ),
        (STRESS | {"data": {"portfolio_data": {"positions": [{"price": 1.0}]}}}, NESTED + "positions[0].symbol"),
        (STRESS | {"data": {"portfolio_data": {"positions": [POSITION], "cash": 1}}}, NESTED + "cash"),
        (STRESS | {"data": {"portfolio_data": {"positions": [POSITION], "scenarios": ["x"]}}}, NESTED + "scenarios[0]"),
        (STRESS | {"data": {"portfolio_data": {"positions": [POSITION]}, "cash": 1}}, "data.cash"),
        (STRESS | {"data": {"portfolio_data": {"cash": 1}}}, "data.positions"),
        (STRESS | {"data": {"portfolio_data": 5}}, "data.positions"),
    ],
)
def test_a_mistake_is_told_by_its_path_in_the_clients_own_document(document, path):
    with pytest.raises(ValidationError) as raised:
        TaskSubmission.model_validate(document)
    assert client_path(raised.value.errors()[0], document, discriminators=registry().discriminators) == path


def test_a_union_that_nothing_fits_names_what_is_on_offer():
    with pytest.raises(ValidationError, match="'monte_carlo_pricing', 'portfolio_optimization', 'stress_test'"):
        TaskSubmission.model_validate({"task_type": "calculate_vra", "data": {}})


class Forbidding(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Address(Forbidding):
    city: str
    street: str = Field(max_length=20)


class Weight(Forbidding):
    grams: int


class Size(Forbidding):
    width: int
    height: int


class Parcel(Forbidding):
    """Its address may come with its fields at the top, its notes around each other, one item without its list."""

    address: Address
    notes: list[str] = []
    measured: Weight | Size | list[int] | None = None
    items: list[Weight] = []
    prices: dict[int, Weight] = {}
    sender: dict[str, Address] = {}

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, data: Any) -> Any:
        data = dict(data)
        if "address" not in data:
            data["address"] = {name: data.pop(name) for name in ("city", "street") if name in data}
        if isinstance(data.get("more"), dict):
            data |= data.pop("more")
        if isinstance(data.get("items"), dict):
            data["items"] = [data["items"]]
        return data


HOME = {"city": "Bern", "street": "Gasse 1"}


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"address": HOME | {"city": 5}}, "address.city"),
        (HOME | {"city": 5}, "city"),
        (HOME | {"street": "x" * 21}, "street"),
        (HOME | {"city": 5, "sender": {"address": HOME}}, "city"),
        ({"city": "Bern"}, "street"),
        ({"address": {"city": "Bern"}}, "address.street"),
        ({"address": HOME, "city": "Bern"}, "city"),
        (HOME | {"floor": 3}, "floor"),
        (HOME | {"more": {"notes": ["a", 5]}}, "more.notes[1]"),
        (HOME | {"more": {"colour": "red"}}, "more.colour"),
        (HOME | {"more": {"items": {"grams": "many"}}}, "more.items.grams"),
        (HOME | {"items": {"grams": "many"}}, "items.grams"),
        (HOME | {"items": {}}, "items.grams"),
        (HOME | {"measured": {"grams": "many"}}, "measured.grams"),
        (HOME | {"measured": {"depth": 1}}, "measured.grams"),
        (HOME | {"measured": [1, "wide"]}, "measured"),
        (HOME | {"measured": "wide"}, "measured"),
        (HOME | {"prices": {"gold": {"grams": 1}}}, "prices.gold"),
        (HOME | {"prices": {"7": {"grams": "many"}}}, "prices.7.grams"),
    ],
)
def test_what_a_model_has_moved_is_told_where_the_client_put_it(document, path):
    with pytest.raises(ValidationError) as raised:
        Parcel.model_validate(document)
    assert client_path(raised.value.errors()[0], document, discriminators=()) == path


def test_each_alternative_that_was_tried_is_told_by_a_field_and_not_by_its_name():
    document = HOME | {"measured": {"depth": 1}}
    with pytest.raises(ValidationError) as raised:
        Parcel.model_validate(document)
    paths = [client_path(each, document, discriminators=()) for each in raised.value.errors()]
    assert paths == [
        *("measured.grams", "measured.depth"),
        *("measured.width", "measured.height", "measured.depth"),
        "measured",
    ]
