"""Why a request was slow, as its page shows it: the sentence, and each step beside what is typical of it."""

from dataclasses import dataclass

from throughline.journey.comparison import Comparison
from throughline.journey.journey import Request
from throughline.journey.quantities import format_duration
from throughline.journey.role import Role


@dataclass(frozen=True)
class ComparedRow:
    """One step."""

    name: str
    is_phase: bool
    took: str
    p50: str
    p95: str
    count: str
    is_slow: bool  # it took longer than 95 % of those like it


@dataclass(frozen=True)
class ComparisonView:
    """Of one request; without rows when there are too few to compare with."""

    sentence: tuple[str, str, str]
    is_slow: bool
    rows: tuple[ComparedRow, ...]


def comparison_view(request: Request, compared: Comparison) -> ComparisonView:
    return ComparisonView(
        compared.sentence,
        compared.is_slow,
        tuple(
            ComparedRow(
                request.steps[index].name,
                is_phase=request.steps[index].role is Role.PHASE,
                took=format_duration(request.steps[index].duration_ns),
                p50=format_duration(figures.p50_ns),
                p95=format_duration(figures.p95_ns),
                count=f"{figures.count:,}",
                is_slow=request.steps[index].duration_ns > figures.p95_ns,
            )
            for index, figures in compared.typical.items()
        ),
    )
