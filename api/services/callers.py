"""Who sends a request, and what they may do: a caller without a key, or without the scope, is refused."""

from pathlib import Path

from api.errors import Forbidden, Unauthorized
from throughline.api_keys import ANYONE, ApiKeys, Caller, Scope

__all__ = ["ANYONE", "Caller", "Callers", "Scope"]


class Callers:
    """The keys of `API_KEYS_FILE`; without a file, anyone may do anything."""

    def __init__(self, file: Path | None) -> None:
        self.keys = ApiKeys(file)

    def identify(self, key: str, scope: Scope) -> Caller:
        """The owner of the key; raises `Unauthorized`, or `Forbidden` without the scope."""
        found = self.keys.owner(key)
        if found is None:
            raise Unauthorized(given=bool(key))
        if not found.may(scope):
            raise Forbidden(scope)
        return found
