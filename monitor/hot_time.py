"""How long a task stays in Redis after its end, once the history has it: less when Redis's memory is short."""

from typing import Final

SHORTEST_SECONDS: Final = 5.0  # a stock client's AsyncResult.get() polls every half second: its result is still there
_PLENTY: Final = 0.10  # share of maxmemory up to which there is room for the whole hot time
_SHORT: Final = 0.20  # share from which on every task leaves as soon as it may


def hot_seconds(longest: float, used: int, most: int) -> float:
    """`longest` is what the settings ask for; `used` and `most` are Redis's memory and its maxmemory, 0 for no limit.

    In between it falls evenly. Where the rate is high, memory so settles below a fifth of maxmemory.
    """
    shortest = min(longest, SHORTEST_SECONDS)
    if most <= 0:
        return longest
    scarcity = (used / most - _PLENTY) / (_SHORT - _PLENTY)
    return longest - (longest - shortest) * min(1.0, max(0.0, scarcity))
