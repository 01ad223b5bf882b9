"""What kind of step a span is: by service, kind and name, since a task's phase may have any name."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final


class Role(StrEnum):
    """The kinds of steps. The first eight are spans; the others are made from log lines."""

    NGINX = "nginx"
    API = "api"
    PUBLISH = "publish"
    WAIT = "wait"
    TAKE = "take"  # the last part of a wait: a worker has the message, and no process runs it yet
    RUN = "run"
    LOST = "lost"  # from the last sign of life of an attempt until its loss was noticed
    PHASE = "phase"
    PAUSE = "pause"  # between two attempts: until a retry is due, or until a dead letter is replayed
    MARK = "mark"  # something that happened at one moment


KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")  # OTLP's, in its order
_OF_A_WORKER: Final = {Role.WAIT: "queue", Role.TAKE: "queue", Role.LOST: "task_type"}  # and what their names end with
_BY_FIRST_WORD: Final = {role.value: role for role in (Role.NGINX, Role.API, Role.PUBLISH, *_OF_A_WORKER, Role.RUN)}


def role_of(service: str, kind: str, name: str, attributes: Mapping[str, Any]) -> Role:
    """When the kind is unknown, the first word of the name decides."""
    if "phase" in attributes:
        return Role.PHASE
    role = _BY_FIRST_WORD.get(name.partition(" ")[0], Role.PHASE)
    match kind:
        case "unspecified":
            return role
        case "server":
            return {"nginx": Role.NGINX, "api": Role.API}.get(service, Role.PHASE)
        case "producer":
            return role if role is Role.PUBLISH else Role.PHASE
        case "consumer":
            return role if role is Role.RUN else Role.PHASE
        case _:
            is_own = service == "worker" and name == f"{role} {attributes.get(_OF_A_WORKER.get(role, ''))}"
            return role if is_own else Role.PHASE
