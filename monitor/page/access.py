"""Who may see the page: everyone, or with `API_KEYS_FILE` holders of a key of scope admin, since it shows all tasks.

The page of one task is for its own caller too, by the rule that the API goes by: `Caller.may_see`.
"""

from collections.abc import Mapping
from typing import Final

from monitor.page.refusal import Refused
from throughline.api_keys import ApiKeys, Caller, Scope, sent_key

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Throughline", charset="UTF-8"'}


_ALL_TASKS: Final = "The page shows everybody's tasks: give a key of scope admin as the password, with any user."
_ONE_TASK: Final = "Give the key that submitted the task, or one of scope admin, as the password, with any user."


def require_admin(keys: ApiKeys, headers: Mapping[str, str]) -> str:
    """The viewer's key, empty where none is asked for; raises `Refused`.

    A browser that sent the wrong key is asked again, even when it is a key of some other scope.
    """
    key, _ = _require(keys, headers, Scope.ADMIN, _ALL_TASKS)
    return key


def require_reader(keys: ApiKeys, headers: Mapping[str, str]) -> Caller:
    """Who asks for one task: what they may see of it is `Caller.may_see`. Raises `Refused`."""
    _, owner = _require(keys, headers, Scope.READ, _ONE_TASK)
    return owner


def _require(keys: ApiKeys, headers: Mapping[str, str], scope: Scope, needed: str) -> tuple[str, Caller]:
    basic = headers.get("authorization", "").partition(" ")[0].lower() == "basic"
    key = sent_key(headers.get("authorization", ""), headers.get("x-api-key", ""))
    owner = keys.owner(key)
    if owner is None:
        what = "This API key is not known." if key else "An API key is needed."
        raise Refused(401, "UNAUTHORIZED", f"{what} {needed}", _CHALLENGE)
    if not owner.may(scope):
        detail = f"This API key does not have the scope {scope}. {needed}"
        raise Refused(401, "UNAUTHORIZED", detail, _CHALLENGE) if basic else Refused(403, "FORBIDDEN", detail)
    return key, owner
