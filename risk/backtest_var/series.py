"""Losses beside the values at risk that were stated for them, in no more days than a picture can show."""

from itertools import pairwise
from typing import Any, Final

import numpy as np

from risk.quant.backtest import exceptions
from risk.quant.streams import Array

MOST: Final = 250  # a year of days; of more, the worst day of each of as many equal runs


def series(profit_and_loss: Array, value_at_risk: Array) -> dict[str, Any]:
    """By the days' indices, from 0; the exceptions among them once more by themselves."""
    beyond = -profit_and_loss - value_at_risk
    days = len(beyond)
    if days <= MOST:
        shown = np.arange(days)
    else:
        starts = np.linspace(0, days, MOST + 1).astype(np.intp)
        shown = np.array([begin + int(beyond[begin:end].argmax()) for begin, end in pairwise(starts.tolist())])
    losses, stated = 0.0 - profit_and_loss[shown], value_at_risk[shown]
    exceptional = exceptions(profit_and_loss[shown], stated)
    return {
        "indices": shown.tolist(),
        "losses": losses.tolist(),
        "value_at_risk": stated.tolist(),
        "exceptions": {"indices": shown[exceptional].tolist(), "losses": losses[exceptional].tolist()},
        "days_a_point": days / len(shown),
    }
