"""What kind of step a span is: by service, kind and name, since a task's phase may have any name."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final


class Role(StrEnum):
    """The kinds of steps. The first six are spans; the others are made from log lines."""

    NGINX = "nginx"
    API = "api"
    PUBLISH = "publish"
    WAIT = "wait"
    RUN = "run"
    PHASE = "phase"
    PAUSE = "pause"  # between two attempts: until a retry is due, or until a dead letter is replayed
    MARK = "mark"  # something that happened at one moment


KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")  # OTLP's, in its order
_BY_FIRST_WORD: Final = {role.value: role for role in (Role.NGINX, Role.API, Role.PUBLISH, Role.WAIT, Role.RUN)}


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
            return Role.WAIT if service == "worker" and name == f"wait {attributes.get('queue')}" else Role.PHASE
