"""Whether a value at risk was exceeded as often as it says, and on days that have nothing to do with each other."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, chdtrc, xlog1py, xlogy

from risk.quant.streams import Array

Zone = Literal["green", "yellow", "red"]
YELLOW: Final = 0.95  # cumulative probability at which Basel's zone begins
RED: Final = 0.9999
BASEL_DAYS: Final = 250
BASEL_CONFIDENCE: Final = 0.99
_INCREASES: Final = (0.0, 0.0, 0.0, 0.0, 0.0, 0.40, 0.50, 0.65, 0.75, 0.85)  # by exceptions; 1.00 from ten on


@dataclass(frozen=True)
class LikelihoodRatio:
    """−2 log of what the hypothesis makes of the data over what fits it best; χ² with `degrees` under it."""

    statistic: float
    degrees: int

    @property
    def p_value(self) -> float:
        return float(chdtrc(self.degrees, self.statistic))


@dataclass(frozen=True)
class Transitions:
    """How often a day of the second kind followed one of the first; an exception is 1."""

    quiet_quiet: int
    quiet_exception: int
    exception_quiet: int
    exception_exception: int


@dataclass(frozen=True)
class TrafficLight:
    """Zone, P(as many exceptions or fewer) if the value at risk is right, and Basel's increase of the multiplier of 3,
    which the Committee defined for 250 days at 99 % alone."""

    zone: Zone
    cumulative_probability: float
    increase: float | None


def exceptions(profit_and_loss: Array, value_at_risk: Array) -> NDArray[np.bool_]:
    """The days (T,) whose loss was above the value at risk; a loss of just as much is none."""
    beyond: NDArray[np.bool_] = -profit_and_loss > value_at_risk
    return beyond


def proportion_of_failures(count: int, days: int, confidence: float) -> LikelihoodRatio:
    """Kupiec (1995): whether exceptions are as frequent as 1 − confidence. 0 log 0 is 0."""
    rate = 1 - confidence
    fitted = _log_likelihood(count, days - count, count / days)
    return LikelihoodRatio(max(0.0, 2 * (fitted - _log_likelihood(count, days - count, rate))), 1)


def transitions(beyond: NDArray[np.bool_]) -> Transitions:
    before, after = beyond[:-1], beyond[1:]
    both = np.bincount(2 * before.astype(np.int64) + after, minlength=4).tolist()
    return Transitions(*both)


def independence(seen: Transitions) -> LikelihoodRatio | None:
    """Christoffersen (1998): whether an exception is as likely after one as after none, against a Markov chain.

    `None` when no day follows an exception, or none a quiet day: then nothing was seen of one of the two chances.
    """
    after_quiet = seen.quiet_quiet + seen.quiet_exception
    after_exception = seen.exception_quiet + seen.exception_exception
    if after_quiet == 0 or after_exception == 0:
        return None
    both = seen.quiet_exception + seen.exception_exception
    days = after_quiet + after_exception
    chain = _log_likelihood(seen.quiet_exception, seen.quiet_quiet, seen.quiet_exception / after_quiet)
    chain += _log_likelihood(seen.exception_exception, seen.exception_quiet, seen.exception_exception / after_exception)
    return LikelihoodRatio(max(0.0, 2 * (chain - _log_likelihood(both, days - both, both / days))), 1)


def conditional_coverage(coverage: LikelihoodRatio, independent: LikelihoodRatio | None) -> LikelihoodRatio | None:
    """Christoffersen (1998): both at once, the sum of the two; `None` without the second."""
    if independent is None:
        return None
    return LikelihoodRatio(coverage.statistic + independent.statistic, 2)


def traffic_light(count: int, days: int, confidence: float) -> TrafficLight:
    """Basel Committee (1996), table 2; for other days and levels the zones of the same probabilities.

    Where hardly an exception is expected, none has a probability above 95 % too; none is green all the same.
    """
    below = float(bdtr(count, days, 1 - confidence))
    zone: Zone = "green" if count == 0 or below < YELLOW else "yellow" if below < RED else "red"
    increase = None
    if days == BASEL_DAYS and confidence == BASEL_CONFIDENCE:
        increase = _INCREASES[count] if count < len(_INCREASES) else 1.0
    return TrafficLight(zone, below, increase)


def _log_likelihood(successes: int, failures: int, rate: float) -> float:
    return float(xlogy(successes, rate) + xlog1py(failures, -rate))
