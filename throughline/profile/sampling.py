"""How many tasks left spans: what is made of spans alone does not see the others, of which log lines tell."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Sampling:
    """The tasks that were submitted in a stretch of time, as far as log lines were read."""

    submitted: int = 0
    unsampled: int = 0

    @property
    def sampled(self) -> int:
        return self.submitted - self.unsampled


NOTHING_KNOWN: Final = Sampling()


def share_sampled(seen: Sampling) -> str:
    """In words; empty when all were."""
    if not seen.unsampled:
        return ""
    share = 100 * seen.sampled / seen.submitted
    told = "<1" if 0 < share < 0.5 else f"{share:.0f}"
    return f"{seen.sampled:,} of {seen.submitted:,} tasks submitted in that time were sampled ({told} %)"
