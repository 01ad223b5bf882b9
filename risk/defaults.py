"""Values for fields that the client did not give: a seed made from the data, and defaults that the result names."""

import hashlib
from typing import Any

from pydantic import BaseModel


def seed_from(data: BaseModel) -> int:
    """The same data gives the same scenarios: a second run of a task ends bit for bit like the first."""
    return int.from_bytes(hashlib.sha256(data.model_dump_json().encode()).digest()[:8]) >> 1


def assumed(data: BaseModel, *names: str, prefix: str = "") -> dict[str, Any]:
    """The fields that the client did not give, with the default that was used."""
    return {prefix + name: getattr(data, name) for name in names if name not in data.model_fields_set}
