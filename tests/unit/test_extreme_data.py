"""Whatever extreme numbers a model takes, a calculation gives figures that JSON holds, or says why it has none."""

import copy
import json
import math
import warnings
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from throughline import PermanentError
from throughline.errors import InvalidResult
from throughline.tasks.registry import registry
from throughline.testing import run_task

EDGES: Final = [0.0, 5e-324, 1e-300, 1e-12, 1e-5, 0.5, 1 - 1e-16, 1.0, 10.0, 100.0, 1e6, 1e12, 1e300, 1.7e308]
COSTLY: Final = {
    "simulations",
    "observations",
    "frontier_points",
    "seed",
}  # work, no figures
ASSET: Final = {"right": "call", "spot": 100.0, "strike": 100.0, "maturity": 1.0, "rate": 0.05, "volatility": 0.2}
CORRELATIONS: Final = [[1.0, 0.3], [0.3, 1.0]]
COVARIANCE: Final = [[0.04, 0.01], [0.01, 0.09]]
BASKET: Final = {
    "style": "basket",
    "right": "call",
    "strike": 200.0,
    "maturity": 1.0,
    "assets": [{"spot": 100.0, "volatility": 0.2}, {"spot": 50.0, "volatility": 0.3, "weight": 2.0}],
    "correlations": CORRELATIONS,
}
LONG_AND_SHORT: Final = [
    {"symbol": "A", "quantity": 100.0, "price": 150.0},
    {"symbol": "B", "quantity": -50.0, "price": 80.0},
]
REPRICED: Final = [
    {"symbol": "A", "quantity": 100.0, "price": 150.0},
    {"symbol": "P", "quantity": 10.0, "price": 150.0}
    | {"option": {"right": "put", "strike": 140.0, "maturity": 0.25, "volatility": 0.28, "rate": 0.02}},
    {"symbol": "T", "quantity": 50.0, "price": 98.0, "bond": {"coupon": 0.02, "maturity": 10.0}},
]
RETURNS: Final = [[0.01 * math.sin(7 * day), 0.012 * math.cos(5 * day)] for day in range(60)]
ASSETS: Final = [
    {"symbol": "A", "expected_return": 0.08, "volatility": 0.1},
    {"symbol": "B", "expected_return": 0.12, "volatility": 0.2},
]
WITHOUT_VOLATILITY: Final = [{"symbol": "A", "expected_return": 0.08}, {"symbol": "B", "expected_return": 0.1}]


def priced(**option: Any) -> dict[str, Any]:
    return {"option": ASSET | option, "simulations": 1_000}


def portfolio(positions: Any = LONG_AND_SHORT, **more: Any) -> dict[str, Any]:
    of_portfolio = {name: more.pop(name) for name in ("correlations", "covariance", "returns") if name in more}
    return {"portfolio_data": {"positions": positions} | of_portfolio} | more


FORMS: Final[dict[str, list[dict[str, Any]]]] = {
    "monte_carlo_pricing": [
        *(priced(style="european") | {"method": each} for each in ("plain", "antithetic", "control_variate", "sobol")),
        priced(style="european", right="put", dividend_yield=0.02),
        priced(style="asian", observations=12),
        priced(style="asian", averaging="geometric", observations=4),
        priced(style="barrier", barrier=120.0, kind="up-and-out"),
        priced(style="barrier", barrier=80.0, kind="down-and-in", monitoring="discrete", observations=12),
        {"option": BASKET, "simulations": 1_000},
    ],
    "calculate_var": [
        portfolio(simulations=1_000),
        portfolio(simulations=1_000, correlations=CORRELATIONS, distribution="lognormal"),
        portfolio(simulations=1_000, covariance=COVARIANCE, distribution="student_t", degrees_of_freedom=4.0),
        portfolio(REPRICED, simulations=1_000),
        portfolio(REPRICED, simulations=1_000, reprice_at="horizon", distribution="lognormal"),
        portfolio(method="parametric", correlations=CORRELATIONS),
        portfolio(method="historical", returns=RETURNS),
        portfolio(method="historical", returns=RETURNS, horizon_scaling="overlapping", time_horizon=5),
        portfolio(method="historical", returns=RETURNS, volatility_filter="ewma"),
    ],
    "portfolio_optimization": [
        {"assets": ASSETS, "correlations": CORRELATIONS},
        {"assets": ASSETS, "objective": "max_sharpe", "risk_free_rate": 0.02, "correlations": CORRELATIONS},
        {"assets": ASSETS, "objective": "target_return", "target_return": 0.1, "frontier_points": 3},
        {"assets": ASSETS, "objective": "max_sharpe", "long_only": False, "max_weight": 1.0, "min_weight": -0.5},
        {"assets": WITHOUT_VOLATILITY, "covariance": COVARIANCE},
        {"assets": WITHOUT_VOLATILITY, "returns": RETURNS},
        {"assets": WITHOUT_VOLATILITY, "returns": RETURNS, "objective": "minimum_cvar", "confidence_level": 0.9},
        {"assets": ASSETS, "objective": "risk_parity", "correlations": CORRELATIONS},
    ],
    "stress_test": [
        {"positions": LONG_AND_SHORT},
        {
            "positions": [LONG_AND_SHORT[0] | {"symbol": "B", "beta": 1.2}, *REPRICED],
            "custom_scenarios": [
                {"name": "mine", "market": -0.2, "rate_change": 0.01, "volatility_change": 0.5, "symbols": {"T": -0.1}}
            ],
        },
    ],
}


def forms(task_type: str) -> list[Any]:
    """What is usual for the type: its own example, and one for each way that it calculates."""
    return [registry()[task_type].example, *FORMS.get(task_type, [])]


def numbers(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of each number in it."""
    each = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for name, value in each:
        if isinstance(value, int | float) and not isinstance(value, bool) and name not in COSTLY:
            yield (*path, name)
        yield from numbers(value, (*path, name))


@st.composite
def extreme(draw: st.DrawFn, task_type: str) -> Any:
    """A usual one in which a few numbers are of the edges."""
    data = copy.deepcopy(draw(st.sampled_from(forms(task_type))))
    places = st.sampled_from(list(numbers(data)))
    for *way, name in draw(st.lists(places, min_size=1, max_size=3)):
        value = draw(st.sampled_from(EDGES)) * draw(st.sampled_from([1, 1, -1]))
        here: Any = data
        for part in way:
            here = here[part]
        here[name] = int(value) if isinstance(here[name], int) else value
    return data


@pytest.mark.parametrize("task_type", list(registry()))
def test_what_is_usual_is_calculated(task_type: str):
    for data in forms(task_type):
        assert json.dumps(run_task(task_type, data).result, allow_nan=False)


@pytest.mark.parametrize("task_type", list(registry()))
def test_what_is_extreme_is_calculated_or_refused_with_the_reason(task_type: str):
    @settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(extreme(task_type))
    def holds(data: Any) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, of a number that nobody is told
                result = run_task(task_type, data).result
        except InvalidResult:
            raise  # a calculation knows better than this why it has no figure
        except PermanentError as error:
            assert len(str(error)) > 10
        else:
            assert json.dumps(result, allow_nan=False)

    holds()
