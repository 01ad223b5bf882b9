"""The efficient frontier: the least variance for each return from the least risky portfolio's to the highest."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.optimization.assets import Assets
from risk.quant.optimization.infeasible import Infeasible, explain, highest_return
from risk.quant.optimization.limits import Limits
from risk.quant.optimization.minimum_variance import RETURN, program, solved
from risk.quant.optimization.program import Found, NoWeights


@dataclass(frozen=True)
class Frontier:
    """Points in rising order of return, and whether the last is where limits end it or where we do."""

    points: list[Found]
    bounded: bool


def frontier(assets: Assets, limits: Limits, points: int, checkpoint: Checkpoint = unobserved) -> Frontier:
    """`points` portfolios evenly spaced in return, one alone when all return the same; raises `Infeasible`.

    Without limits the return has no end: then up to the least risky portfolio's and the spread of the assets' own.
    """
    sought = program(assets, limits)
    try:
        least = solved(sought, limits)
    except NoWeights:
        raise Infeasible(explain(assets, limits)) from None
    lowest, (highest, corner) = float(assets.returns @ least.weights), highest_return(assets, limits)
    spread = float(np.ptp(assets.returns))
    end = highest if np.isfinite(highest) else lowest + spread
    if end - lowest <= 1e-9 * spread + 1e-14 * abs(end):
        return Frontier([least], True)
    found = [least]
    for target in np.linspace(lowest, end, points)[1:]:
        reached = Progress(len(found) / points)
        checkpoint(reached)
        sought.at_least(RETURN, float(target - assets.returns[0]))
        try:
            found.append(solved(sought, limits, partial(checkpoint, reached)))
        except NoWeights:
            if len(found) < points - 1 or not np.isfinite(highest):
                raise Infeasible(explain(assets, limits, float(target))) from None
            found.append(Found(corner, False, corner < 0))  # rounding can refuse the one corner of the highest return
    checkpoint(Progress(1.0))
    return Frontier(found, bool(np.isfinite(highest)))
