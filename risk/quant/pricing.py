"""The price of an option by simulation: plain, with antithetic pairs, with controls, or with scrambled Sobol points."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Final, Literal

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from risk.quant.checkpoint import Checkpoint, Progress, unobserved
from risk.quant.estimate import Estimate, Hits, Moments, of_replications
from risk.quant.importance import Proposal
from risk.quant.options import Payoff
from risk.quant.stopwatch import Stopwatch
from risk.quant.streams import Array, chunk_rows, chunk_sizes, stream

Method = Literal["plain", "antithetic", "control_variate", "sobol"]

REPLICATIONS: Final = 16  # of scrambled Sobol points: enough for a standard error, few enough to keep their evenness
FIRST_SOBOL: Final = 64  # points of each replication before the first look
_COARSEST: Final = 2.0**-53  # a Sobol point of exactly 0 has no normal
# On one normal, a replication's error is that of its few points at a bend or in the outermost interval: skewed,
# whatever the number of points, and its interval holds the truth in 66 to 98 of 100 cases. A normal made of three has
# no such points.
FEWEST_NORMALS: Final = 3
FEWEST_HITS: Final = 12  # below it the interval of a mean holds the truth less often than it says
ROUNDING: Final = 1e-13  # as a share of a figure: closed forms and controls leave no other error


@dataclass(frozen=True)
class Priced:
    """Price, then the sensitivities by name; `simulations` paths were drawn.

    `exact`: nothing was drawn, since what would be simulated is worth next to nothing; half the price's interval is
    what that can be at most, and 0 when the price is known.
    """

    price: Estimate
    greeks: dict[str, Estimate]
    simulations: int
    exact: bool = False


def price(
    payoff: Payoff,
    method: Method,
    simulations: int,
    seed: int,
    *,
    relative: float | None = None,
    checkpoint: Checkpoint = unobserved,
    watch: Stopwatch | None = None,
) -> Priced:
    """Simulates at most `simulations` paths; fewer when half the interval is at most `relative` × the price."""
    if payoff.proposal is None:
        return _unsimulated(payoff)
    run = _sobol if method == "sobol" else _independent
    return run(payoff, method, simulations, seed, relative, checkpoint, watch or Stopwatch())


def _unsimulated(payoff: Payoff) -> Priced:
    constants = [Estimate(float(value), 0.0, 0.0) for value in payoff.told.constants]
    value, most = constants[0].value, payoff.negligible
    bounds = (value, value + most) if payoff.told.sign > 0 else (value - most, value)
    price = replace(constants[0], half_width=most, bounds=bounds)
    return Priced(price, dict(zip(payoff.sensitivities, constants[1:], strict=True)), 0, exact=True)


def _independent(
    payoff: Payoff,
    method: Method,
    simulations: int,
    seed: int,
    relative: float | None,
    checkpoint: Checkpoint,
    watch: Stopwatch,
) -> Priced:
    proposal = _proposal(payoff)
    paired, controlled = method != "plain", method == "control_variate"
    wanted = 1 + len(payoff.sensitivities)
    expected = np.concatenate([payoff.expected_controls, proposal.expected_controls]) if controlled else np.empty(0)
    moments, hits = Moments(wanted + len(expected)), Hits()
    draws = -(-simulations // 2) if paired else simulations
    next_look, estimates, slopes = 1, None, None
    sizes = chunk_sizes(draws, _rows(payoff))
    for chunk, rows in enumerate(sizes):
        watch.start()
        random = stream(seed, chunk)
        standard = random.standard_normal((rows, payoff.normals))
        uniforms = random.random(rows) if proposal.picks else None
        watch.lap("draw")
        samples = _samples(payoff, standard, uniforms, controlled)
        if paired:
            np.negative(standard, out=standard)
            samples += _samples(payoff, standard, uniforms, controlled)
            samples /= 2
        watch.lap("reprice")
        moments.add(samples)
        if slopes is None:  # near the final ones, and the same for all
            slopes = moments.slopes(expected)
        hits.add(samples[:, :wanted] - (samples[:, wanted:] - expected) @ slopes)
        watch.lap("estimate")
        if chunk + 1 >= next_look:
            estimates = _told(payoff, moments.estimates(expected), hits, moments.count)
            next_look = chunk + 1 if relative is not None else 2 * (chunk + 1)
            if relative is not None and reached(estimates[0], relative):
                break
        checkpoint(_progress((chunk + 1) / len(sizes), estimates))
    estimates = _told(payoff, moments.estimates(expected), hits, moments.count)
    return _priced(payoff, estimates, moments.count * (2 if paired else 1))


def _proposal(payoff: Payoff) -> Proposal:
    assert payoff.proposal is not None
    return payoff.proposal


def _samples(payoff: Payoff, standard: Array, uniforms: Array | None, controlled: bool) -> Array:
    proposal = _proposal(payoff)
    normals, weights = proposal.draw(standard, uniforms)
    samples = payoff(normals) * weights[:, None]
    if controlled:
        return np.column_stack([samples, proposal.controls(standard)])
    return samples[:, : 1 + len(payoff.sensitivities)]


def _sobol(
    payoff: Payoff,
    _: Method,
    simulations: int,
    seed: int,
    relative: float | None,
    checkpoint: Checkpoint,
    watch: Stopwatch,
) -> Priced:
    """Doubles the points of all replications until there are enough; each number of them is a power of two."""
    most = 1 << max(0, (simulations // REPLICATIONS).bit_length() - 1)
    engines = []
    columns = payoff.normals * _parts(payoff) + _proposal(payoff).picks
    for replication in range(REPLICATIONS):  # some 30 ms each with 1,000 normals
        engines.append(qmc.Sobol(columns, scramble=True, rng=stream(seed, replication)))
        checkpoint(Progress(0.0))
    sums = np.zeros((REPLICATIONS, 1 + len(payoff.sensitivities)))
    hits = Hits()
    done, target = 0, (min(FIRST_SOBOL, most) if relative is not None else most)
    estimates: list[Estimate] | None = None
    while True:
        for number, engine in enumerate(engines):
            for rows in chunk_sizes(target - done, _rows(payoff)):
                samples = _sobol_samples(engine, rows, payoff, watch)
                hits.add(samples)
                sums[number] += samples.sum(axis=0)
                watch.lap("estimate")
                checkpoint(_progress(done / most, estimates))
        done = target
        estimates = _told(payoff, of_replications(sums / done), hits)
        if done >= most or (relative is not None and reached(estimates[0], relative)):
            return _priced(payoff, estimates, done * REPLICATIONS)
        target = 2 * done


def _sobol_samples(engine: qmc.Sobol, rows: int, payoff: Payoff, watch: Stopwatch) -> Array:
    watch.start()
    points, parts = engine.random(rows), _parts(payoff)
    drawn = ndtri(np.maximum(points[:, : parts * payoff.normals], _COARSEST))
    standard = drawn.reshape(rows, parts, payoff.normals).sum(axis=1) / sqrt(parts) if parts > 1 else drawn
    watch.lap("draw")
    samples = _samples(payoff, standard, points[:, -1], controlled=False)
    watch.lap("reprice")
    return samples


def _parts(payoff: Payoff) -> int:
    """Sobol normals that make one."""
    return -(-FEWEST_NORMALS // payoff.normals)


def _rows(payoff: Payoff) -> int:
    # A power of two, as Sobol points want; columns count too, since samples are as large as the normals.
    rows = chunk_rows(max(payoff.normals, len(payoff.sensitivities)))
    return 1 << max(0, rows.bit_length() - 1)


def reached(price: Estimate, relative: float) -> bool:
    """Whether half the interval is at most this share of the price, and enough paths say so."""
    return price.hits >= FEWEST_HITS and price.within(relative)


def _progress(fraction: float, estimates: list[Estimate] | None) -> Progress:
    if estimates is None:
        return Progress(fraction)
    return Progress(fraction, estimates[0].value, estimates[0].interval)


def _told(payoff: Payoff, estimates: list[Estimate], hits: Hits, independent: int | None = None) -> list[Estimate]:
    """The asked option's, from those of what was simulated; its price within its bounds.

    The interval of a mean of `independent` samples is widened by what skewness costs it (Hall 1992, section 2.4, at
    95 %, to the first order in 1 / n).
    """
    told, found = payoff.told, []
    for constant, each, carried in zip(told.constants.tolist(), estimates, hits.counts.tolist(), strict=True):
        value = constant + told.sign * each.value
        rounding = ROUNDING * max(abs(constant), abs(value))
        wider = 1 + 1.08 / max(carried, 1.0) + 1.71 / independent if independent else 1.0
        half_width = each.half_width * wider + 2 * rounding
        found.append(Estimate(value, max(each.standard_error, rounding), half_width, hits=carried))
    low, high = payoff.bounds
    found[0] = replace(found[0], value=min(max(found[0].value, low), high), bounds=(low, high))
    return found


def _priced(payoff: Payoff, estimates: list[Estimate], simulations: int) -> Priced:
    return Priced(estimates[0], dict(zip(payoff.sensitivities, estimates[1:], strict=True)), simulations)
