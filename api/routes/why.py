"""Why a caller wants a change of a task or of the circuit breaker: the header X-Why of the request."""

from typing import Annotated

from fastapi import Depends, Header
from fastapi.exceptions import RequestValidationError

from throughline.ledger.asked_by import MOST_CHARACTERS, checked_why

NAME = "X-Why"
_DESCRIPTION = (
    f"Why, in one line of at most {MOST_CHARACTERS} characters (UTF-8). It is logged with the name of the API key, "
    "kept with the task, and told to whoever may read the task."
)


async def _why(
    x_why: Annotated[
        str, Header(alias=NAME, description=_DESCRIPTION, json_schema_extra={"maxLength": MOST_CHARACTERS})
    ] = "",
) -> str:
    """Starlette reads a header's bytes as Latin-1; they are UTF-8, as a shell sends them."""
    try:
        return checked_why(x_why.encode("latin-1").decode())
    except UnicodeError:
        said = "Must be UTF-8"
    except ValueError as error:
        said = str(error)
    raise RequestValidationError([{"type": "value_error", "loc": ("header", NAME), "msg": said, "input": x_why}])


Why = Annotated[str, Depends(_why)]
