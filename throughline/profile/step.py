"""The steps of a task's way, as a profile counts them."""

from enum import StrEnum
from typing import Any, Final, NamedTuple


class Step(StrEnum):
    """In the order in which a task takes them. Every span of a task is one of them, each attempt's for itself."""

    NGINX = "nginx"
    API = "api"
    PUBLISH = "publish"
    WAIT = "wait"  # for the first attempt
    WAIT_AGAIN = "wait again"  # from the end of an attempt to the start of the next: a retry's pause, and the queue
    RUN = "run"
    PHASE = "phase"


class Key(NamedTuple):
    """What figures are of."""

    task_type: str
    step: Step
    phase: str = ""  # the name of a phase, which may be any: "run" and "wait" too

    @property
    def name(self) -> str:
        return self.phase or self.step


MEANINGS: Final = {
    Step.NGINX: "a submission that was taken, from its first byte to the answer's last",
    Step.API: "the same in the replica that answered",
    Step.PUBLISH: "the one Redis call that decides, records and enqueues",
    Step.WAIT: "in the queue, until the first attempt starts",
    Step.WAIT_AGAIN: "from the end of an attempt to the start of the next",
    Step.RUN: "an attempt; its phases are indented",
}


_OF_ITS_OWN: Final = {
    ("nginx", "server"): Step.NGINX,
    ("api", "server"): Step.API,
    ("worker", "consumer"): Step.RUN,
}


def step_of(service: str, kind: str, name: str, *, phase: bool, attempt: Any) -> Step | None:
    """The step of a span that names its task type; None for one that is no step (of a task's own tracing, say)."""
    if phase:
        return Step.PHASE
    if kind == "producer" and name.startswith("publish "):
        return Step.PUBLISH
    if (service, kind) == ("worker", "internal") and name.startswith("wait "):
        return Step.WAIT if str(attempt) == "1" else Step.WAIT_AGAIN
    return _OF_ITS_OWN.get((service, kind))
