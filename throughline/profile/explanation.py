"""What the figures of a profile mean, in words that the terminal and the page share."""

from typing import Final

from throughline.profile.profile import Profile
from throughline.profile.sampling import share_sampled

EXPLANATION: Final = (
    "Each attempt counts, with its own wait and run. p50, p95, p99 and total are of a step from its start to its end; "
    "a share is of the time of all the type's steps, where nginx counts without the api and the api without publish, "
    "so that the shares add up to 100 %. Phases are part of run."
)


def explanation(profile: Profile) -> str:
    """With how the figures came about."""
    how = "from every span" if profile.is_exact else "estimates (t-digest)"
    some = "" if profile.is_whole else " Only the newest spans of that time were read."
    return f"{EXPLANATION} Percentiles are {how}.{some}{unsampled(profile)}"


def unsampled(profile: Profile) -> str:
    """Empty when all tasks left spans."""
    told = share_sampled(profile.sampling)
    return f" It is made of spans alone: {told}; the others are not in it." if told else ""
