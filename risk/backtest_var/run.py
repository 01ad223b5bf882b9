"""`backtest_var` from its data to its result."""

from dataclasses import asdict
from typing import Any

import numpy as np

from risk.backtest_var.model import BacktestVarData
from risk.backtest_var.notes import notes
from risk.backtest_var.series import series
from risk.defaults import assumed
from risk.quant import backtest
from throughline import Run


def run(asked: BacktestVarData, run: Run) -> dict[str, Any]:
    """Exceptions, the tests of Kupiec and Christoffersen, and Basel's zone."""
    days, confidence = len(asked.profit_and_loss), asked.confidence_level
    with run.phase("backtest", days=days):
        beyond = backtest.exceptions(np.array(asked.profit_and_loss), np.array(asked.value_at_risk))
        count = int(beyond.sum())
        coverage = backtest.proportion_of_failures(count, days, confidence)
        seen = backtest.transitions(beyond)
        independent = backtest.independence(seen)
        light = backtest.traffic_light(count, days, confidence)
    return {
        "observations": days,
        "exceptions": count,
        "expected_exceptions": days * (1 - confidence),
        "exception_rate": count / days,
        "exception_indices": np.flatnonzero(beyond).tolist(),
        "series": series(np.array(asked.profit_and_loss), np.array(asked.value_at_risk)),
        "proportion_of_failures": _told(coverage, asked),
        "independence": _told(independent, asked) | {"transitions": asdict(seen)},
        "conditional_coverage": _told(backtest.conditional_coverage(coverage, independent), asked),
        "traffic_light": {
            "zone": light.zone,
            "cumulative_probability": light.cumulative_probability,
            "multiplier_increase": light.increase,
        },
        "confidence_level": confidence,
        "assumptions": assumed(asked, "confidence_level", "significance_level"),
        "notes": notes(asked, count, independent),
    }


def _told(test: backtest.LikelihoodRatio | None, asked: BacktestVarData) -> dict[str, Any]:
    if test is None:
        return {"likelihood_ratio": None, "p_value": None, "rejected": None}
    rejected = test.p_value < asked.significance_level
    return {"likelihood_ratio": test.statistic, "p_value": test.p_value, "rejected": rejected}
