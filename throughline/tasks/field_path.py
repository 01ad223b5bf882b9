"""The path of a mistake in the client's own document, from where pydantic found it."""

from collections.abc import Collection, Sequence
from typing import Any, Final

_ABSENT: Final = object()


def client_path(error: Any, document: Any, skip: int = 0, *, discriminators: Collection[str]) -> str:
    """`("data", "positions", 0, "price")` as people write it: `data.positions[0].price`.

    Without the discriminator's value that pydantic puts between an object and its fields; with the discriminator's
    name when it is the discriminator itself that is wrong. The first `skip` parts are not part of the document.
    """
    parts = _own_parts(error["loc"][skip:], document, discriminators)
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        parts.append(error["ctx"]["discriminator"].strip("'"))
    return joined(parts)


def joined(parts: Sequence[str | int]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".")


def _own_parts(location: Sequence[str | int], document: Any, discriminators: Collection[str]) -> list[str | int]:
    parts: list[str | int] = []
    here, arrived = document, True
    for part in location:
        if isinstance(here, dict):
            # Once, on arrival: an object of the style "barrier" may well have a field of that name.
            if arrived and any(here.get(name) == part for name in discriminators):
                arrived = False
                continue
            here = here.get(part, _ABSENT)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        elif here is _ABSENT or isinstance(here, list):
            here = _ABSENT
        else:
            break  # below a single value pydantic only says which of several types it tried
        arrived = True
        parts.append(part)
    return parts
