"""The task types on offer and the envelope that a client submits one in."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, Field, RootModel

from risk.calculate_var import model as calculate_var
from risk.calculate_var.model import CalculateVarData
from risk.monte_carlo_pricing import model as monte_carlo_pricing
from risk.monte_carlo_pricing.model import MonteCarloPricingData
from risk.portfolio_optimization import model as portfolio_optimization
from risk.portfolio_optimization.model import PortfolioOptimizationData
from risk.stress_test import model as stress_test
from risk.stress_test.model import StressTestData
from risk.strict import Strict
from throughline.ledger.message import Queue


class TaskType(StrEnum):
    """A task type's name: the same word in the API, in Celery, in log lines and in spans."""

    CALCULATE_VAR = "calculate_var"
    MONTE_CARLO_PRICING = "monte_carlo_pricing"
    PORTFOLIO_OPTIMIZATION = "portfolio_optimization"
    STRESS_TEST = "stress_test"


class _Submission(Strict):
    """What every submission has beside its type and data."""

    priority: Literal["high", "medium", "low"] = "medium"
    queue: Literal["high", "medium", "low"] | None = Field(
        default=None, description="Queue to wait in, when it is not the one that the priority names."
    )


class CalculateVarSubmission(_Submission):
    """A `calculate_var` task as a client submits it."""

    task_type: Literal["calculate_var"]
    data: CalculateVarData


class MonteCarloPricingSubmission(_Submission):
    """A `monte_carlo_pricing` task as a client submits it."""

    task_type: Literal["monte_carlo_pricing"]
    data: MonteCarloPricingData


class PortfolioOptimizationSubmission(_Submission):
    """A `portfolio_optimization` task as a client submits it."""

    task_type: Literal["portfolio_optimization"]
    data: PortfolioOptimizationData


class StressTestSubmission(_Submission):
    """A `stress_test` task as a client submits it."""

    task_type: Literal["stress_test"]
    data: StressTestData


class TaskSubmission(
    RootModel[
        Annotated[
            CalculateVarSubmission
            | MonteCarloPricingSubmission
            | PortfolioOptimizationSubmission
            | StressTestSubmission,
            Field(discriminator="task_type"),
        ]
    ]
):
    """A task of any type as a client submits it; `task_type` says which."""

    @property
    def task_type(self) -> TaskType:
        return TaskType(self.root.task_type)

    @property
    def data(self) -> BaseModel:
        return self.root.data

    @property
    def priority(self) -> str:
        return self.root.priority

    @property
    def target_queue(self) -> Queue:
        return Queue(self.root.queue or self.root.priority)


class TaskTypeDescription(NamedTuple):
    """What `GET /api/v1/task-types` says of one type."""

    model: type[BaseModel]
    summary: str
    example: dict[str, Any]


TASK_TYPES: Final[dict[TaskType, TaskTypeDescription]] = {
    TaskType.CALCULATE_VAR: TaskTypeDescription(
        CalculateVarData,
        "Value at risk and expected shortfall of a portfolio: by simulation, in closed form, or from its history.",
        calculate_var.EXAMPLE,
    ),
    TaskType.MONTE_CARLO_PRICING: TaskTypeDescription(
        MonteCarloPricingData,
        "Price and sensitivities of a European, Asian, barrier or basket option, by simulation.",
        monte_carlo_pricing.EXAMPLE,
    ),
    TaskType.PORTFOLIO_OPTIMIZATION: TaskTypeDescription(
        PortfolioOptimizationData,
        "Weights of least variance, for a return sought or of the highest Sharpe ratio; the efficient frontier.",
        portfolio_optimization.EXAMPLE,
    ),
    TaskType.STRESS_TEST: TaskTypeDescription(
        StressTestData,
        "Profit and loss of each position under shocks of history and the caller's own.",
        stress_test.EXAMPLE,
    ),
}
