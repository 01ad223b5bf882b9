"""What a reader of a backtest must know to use its figures."""

from typing import Final

from risk.backtest_var.model import BacktestVarData
from risk.quant.backtest import BASEL_CONFIDENCE, BASEL_DAYS, LikelihoodRatio

_FEW: Final = 5.0  # expected exceptions under which χ² is a poor guide, as for any counts


def notes(asked: BacktestVarData, count: int, independent: LikelihoodRatio | None) -> list[str]:
    """`independent`: the test of independence, which may not be defined."""
    days, confidence = len(asked.profit_and_loss), asked.confidence_level
    expected = days * (1 - confidence)
    told = []
    if independent is None:
        told.append(
            "Whether exceptions are independent cannot be tested: "
            + ("there is none." if count == 0 else "no day follows one, or each day is one.")
        )
    if expected < _FEW:
        told.append(
            f"Of {days:,} days, {expected:.3g} are expected to be exceptions. The p-values are those of large samples "
            "and rough here; traffic_light.cumulative_probability is exact."
        )
    if days != BASEL_DAYS or confidence != BASEL_CONFIDENCE:
        told.append(
            f"The zone has the probabilities of the Basel Committee's; its increase of the multiplier is defined for "
            f"{BASEL_DAYS} days at {100 * BASEL_CONFIDENCE:g} % alone."
        )
    if count > days / 2:
        told.append(
            "More than half of the days are exceptions. In profit_and_loss a loss is negative, and both series are in "
            "one currency."
        )
    return told
