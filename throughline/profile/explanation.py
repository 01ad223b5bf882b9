"""What the figures of a profile mean, in words that the terminal and the page share."""

from typing import Final

from throughline.profile.profile import Profile

EXPLANATION: Final = (
    "Each attempt counts, with its own wait and run. p50, p95, p99 and total are of a step from its start to its end; "
    "a share is of the time of all the type's steps, where nginx counts without the api and the api without publish, "
    "so that the shares add up to 100 %. Phases are part of run."
)


def sources_words(profile: Profile, source: str) -> str:
    """How it was found out."""
    if profile.is_exact:
        return f"from every span in {source}"
    return f"from {source}, where percentiles are estimates (t-digest)"
