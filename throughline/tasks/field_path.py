"""The path of a mistake in the client's own document, from where pydantic found it."""

from collections.abc import Collection, Sequence
from typing import Any, Final

_ABSENT: Final = object()


def client_path(error: Any, document: Any, skip: int = 0, *, discriminators: Collection[str]) -> str:
    """`("data", "positions", 0, "price")` as people write it: `data.positions[0].price`.

    Without the discriminator's value that pydantic puts between an object and its fields; with the discriminator's
    name when it is the discriminator itself that is wrong. A field that a validator of the model's has moved is told
    where the client put it. The first `skip` parts are not part of the document.
    """
    parts = _own_parts(error, error["loc"][skip:], document, discriminators)
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        parts.append(error["ctx"]["discriminator"].strip("'"))
    return joined(parts)


def joined(parts: Sequence[str | int]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".")


def _own_parts(
    error: Any, location: Sequence[str | int], document: Any, discriminators: Collection[str]
) -> list[str | int]:
    parts: list[str | int] = []
    here, arrived = document, True
    for number, part in enumerate(location, start=1):
        if isinstance(here, dict):
            # Once, on arrival: an object of the style "barrier" may well have a field of that name.
            if arrived and any(here.get(name) == part for name in discriminators):
                arrived = False
                continue
            sent = [part] if part in here else _as_sent(here, part, location[number:], error)
        elif isinstance(here, list):
            sent = [part] if isinstance(part, int) else []  # else the type of the list that was tried
        elif here is _ABSENT:
            sent = [part]
        else:
            break  # below a single value pydantic only says which of several types it tried
        for each in sent:
            here, arrived = _within(here, each), True
        parts += sent
    return parts


def _within(here: Any, part: str | int) -> Any:
    if isinstance(here, dict):
        return here.get(part, _ABSENT)
    return here[part] if isinstance(here, list) and isinstance(part, int) and part < len(here) else _ABSENT


def _as_sent(here: dict[Any, Any], part: str | int, rest: Sequence[str | int], error: Any) -> list[str | int]:
    """What stands for a part that the client's object does not have.

    It is missing; or the model has made it of what the client put elsewhere; or it only names a type that was tried.
    """
    if rest and rest[0] in here:
        return []
    is_missing = error["type"] == "missing" and not rest
    holders = [name for name, value in here.items() if isinstance(value, dict) and part in value]
    if len(holders) == 1 and not is_missing:
        return [holders[0], part]
    return [part] if is_missing or not (rest or part == "[key]" or _is_about(here, error.get("input"))) else []


def _is_about(here: dict[Any, Any], found: Any) -> bool:
    """Whether what is wrong is the client's object itself, or one that was made of its fields."""
    return found is here or (
        isinstance(found, dict) and bool(found) and all(here.get(name, _ABSENT) is found[name] for name in found)
    )
