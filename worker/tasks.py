"""The tasks: each binds its data's model to the pure functions that calculate, phase by phase."""

import hashlib
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from contracts.calculate_var import DEFAULT_VOLATILITY, CalculateVarData
from contracts.tasks import TaskType
from observability.tracing import span
from worker.app import app
from worker.errors import InvalidTaskData, NotCalculable, PermanentTaskError
from worker.quant import value_at_risk as quant

Model = TypeVar("Model", bound=BaseModel)


@app.task(name=TaskType.CALCULATE_VAR, throws=(PermanentTaskError,))
def calculate_var(data: dict[str, Any]) -> dict[str, Any]:
    """Value at risk of a portfolio of normal returns without drift; what was assumed is in the result."""
    with span("validate"):
        var = _validated(CalculateVarData, data)
    positions = var.portfolio_data.positions
    values = np.array([p.quantity * p.price for p in positions])
    volatilities = np.array([p.volatility or DEFAULT_VOLATILITY for p in positions])
    seed = var.seed if var.seed is not None else _seed_from(var)

    with span("correlate", attributes={"positions": len(positions)}):
        loadings = np.sign(values) * quant.horizon_deviations(values, volatilities, var.time_horizon)
        if var.portfolio_data.correlations is not None:
            try:
                loadings = loadings @ quant.correlation_factor(np.array(var.portfolio_data.correlations, dtype=float))
            except quant.NotPositiveSemidefinite as error:
                raise NotCalculable(f"data.portfolio_data.correlations: {error}") from None
    with span("simulate", attributes={"simulations": var.simulations, "positions": len(positions)}):
        gains = quant.simulate_gains(loadings, var.simulations, seed)
    with span("measure"):
        measure = quant.measure_losses(gains, var.confidence_level)

    return {
        "var_amount": measure.value_at_risk,
        "expected_shortfall": measure.expected_shortfall,
        "standard_error": measure.standard_error,
        "confidence_interval": list(measure.confidence_interval),
        "portfolio_value": float(values.sum()),
        "confidence_level": var.confidence_level,
        "time_horizon": var.time_horizon,
        "simulations": var.simulations,
        "seed": seed,
        "method": "monte_carlo",
        "assumptions": _var_assumptions(var),
    }


def _var_assumptions(var: CalculateVarData) -> dict[str, Any]:
    """Everything that the result rests on and the client did not say."""
    assumed: dict[str, Any] = {
        "returns": "normal, without drift",
        "trading_days_a_year": quant.TRADING_DAYS_A_YEAR,
    }
    for name in ("confidence_level", "time_horizon", "simulations"):
        if name not in var.model_fields_set:
            assumed[name] = getattr(var, name)
    positions = var.portfolio_data.positions
    if any(p.volatility is None for p in positions):
        assumed["volatility"] = DEFAULT_VOLATILITY
    if len(positions) > 1 and var.portfolio_data.correlations is None:
        assumed["correlations"] = "independent positions"
    if var.seed is None:
        assumed["seed"] = "derived from the data"
    return assumed


def _validated(model: type[Model], data: Any) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(["data", *map(str, first["loc"])])
        raise InvalidTaskData(f"{path}: {first['msg']}") from None


def _seed_from(data: BaseModel) -> int:
    """The same data gives the same scenarios: a second run of a task ends bit for bit like the first."""
    return int.from_bytes(hashlib.sha256(data.model_dump_json().encode()).digest()[:8]) >> 1
