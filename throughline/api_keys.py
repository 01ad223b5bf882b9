"""API keys with scopes, read from a file that holds only their hashes: the api and the journey page ask for them."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final


class Scope(StrEnum):
    """What a key allows. `admin` allows all, on everybody's tasks."""

    SUBMIT = "submit"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True)
class Caller:
    """The owner of a key; tasks and idempotency keys are theirs."""

    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    @property
    def sees_all(self) -> bool:
        return Scope.ADMIN in self.scopes

    @property
    def sees(self) -> str | None:
        """Whose tasks: their own name, or None for everybody's."""
        return None if self.sees_all else self.name

    def may_see(self, owner: str) -> bool:
        return owner == self.name or self.sees_all


ANYONE: Final = Caller("anyone", frozenset(Scope))


class ApiKeys:
    """The keys of `API_KEYS_FILE`; without a file, whoever calls is `ANYONE`."""

    def __init__(self, file: Path | None) -> None:
        self.are_asked_for = file is not None
        self._by_hash = None if file is None else _read(file)

    def owner(self, key: str) -> Caller | None:
        """Whose key it is; None for an unknown one. Keys are long and random, so one fast hash of them is enough."""
        if self._by_hash is None:
            return ANYONE
        sent = hash_of(key)
        found = None
        for known, caller in self._by_hash.items():  # all, each in constant time: the duration reveals nothing
            if hmac.compare_digest(known, sent):
                found = caller
        return found


def sent_key(authorization: str, x_api_key: str) -> str:
    """The key in the two headers' values, as a token or, from a browser, as a password; empty when there is none."""
    kind, _, credentials = authorization.partition(" ")
    if kind.lower() == "bearer":
        return credentials.strip()
    return _password(credentials) if kind.lower() == "basic" else x_api_key


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def hash_of(key: str) -> str:
    """The SHA-256 of a key in hex, as the file holds it."""
    return hashlib.sha256(key.encode()).hexdigest()


def _read(file: Path) -> dict[str, Caller]:
    """Lines `name scope,scope sha256`; `SystemExit` names the line that is wrong, or the file that cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"API_KEYS_FILE: {file} cannot be read ({error})") from None
    found: dict[str, Caller] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, scopes, digest = line.split()
            if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
                raise ValueError("the hash must be 64 lower-case hex digits")
            found[digest] = Caller(name, frozenset(map(Scope, scopes.split(","))))
        except ValueError as error:
            raise SystemExit(
                f"API_KEYS_FILE: {file}, line {number} is not `name scope,scope sha256` ({error}); "
                "`throughline api-key NAME` prints such a line"
            ) from None
    if not found:
        raise SystemExit(f"API_KEYS_FILE: {file} holds no key; `throughline api-key NAME` makes one")
    return found
