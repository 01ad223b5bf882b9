"""A request's headers as they came: Starlette's own objects look through all of them again for each one asked for."""

from starlette.types import Scope


def first_values(scope: Scope) -> dict[bytes, bytes]:
    """By name; of a header that came several times the first, which is the one that Starlette reads too."""
    return dict(reversed(scope["headers"]))


def all_values(scope: Scope, name: str) -> list[str]:
    """Of one header, in their order; ASGI has names in lower case."""
    raw = name.lower().encode()
    return [value.decode("latin-1") for each, value in scope["headers"] if each == raw]
