"""What a claim on a sum of lognormal prices is worth at most, whatever their correlations."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from risk.quant.importance import LEAST
from risk.quant.parity import Claim
from risk.quant.streams import Array

_ENDS = 1e3  # normals, beyond any that is looked for


def most(claim: Claim, mean_logs: Array, deviations: Array, geometric: tuple[float, float]) -> float:
    """Of a call or a put; `mean_logs`, `deviations` (n) of the logarithms of the sum's parts.

    The claim on parts that move as one, which is a sum of claims on each (Dhaene et al. 2002); a put is worth no more
    than that on a `geometric` mean (mean and deviation of its logarithm) either, since it is at most the sum.
    """

    def above(normal: float) -> float:
        return float(logsumexp(mean_logs + deviations * normal)) - float(np.log(claim.strike))

    if above(-_ENDS) < 0 < above(_ENDS):
        strikes = np.exp(mean_logs + deviations * float(brentq(above, -_ENDS, _ENDS)))
        parts = zip(strikes.tolist(), mean_logs.tolist(), deviations.tolist(), strict=True)
        worth = sum(Claim(claim.kind, max(k, 1e-300), claim.discount).expected(mean, d) for k, mean, d in parts)
    else:  # no part moves so far
        worth = 0.0
    if claim.kind == "put":
        worth = min(worth, claim.expected(*geometric))
    return max(worth, LEAST * claim.discount * claim.strike)
