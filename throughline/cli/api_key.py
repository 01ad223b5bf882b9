"""`throughline api-key`: makes a key, prints its line for API_KEYS_FILE, and shows the key itself once."""

import re
import secrets
import sys
from argparse import Namespace

from throughline.api_keys import Scope, hash_of
from throughline.local.run import CannotRun


def api_key(arguments: Namespace) -> int:
    """The line goes to standard output, ready for `>> keys`; the key itself, which is not stored, to standard error."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", arguments.name):
        raise CannotRun(f"{arguments.name!r} is no caller's name: 1 to 64 letters, digits, dots, underscores, hyphens.")
    scopes = arguments.scopes.split(",")
    if wrong := set(scopes) - set(Scope):
        raise CannotRun(f"There is no scope {', '.join(sorted(wrong))}; there are {', '.join(Scope)}.")
    key = secrets.token_urlsafe(32)
    print(arguments.name, ",".join(scopes), hash_of(key))
    print(f"The key of {arguments.name}, shown only now: {key}", file=sys.stderr)
    return 0
