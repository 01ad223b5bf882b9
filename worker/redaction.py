"""An error's message without the words and numbers of the task's data that found their way into it."""

import re
from collections.abc import Iterator
from traceback import walk_tb
from types import CodeType
from typing import Any, Final

from pydantic import ValidationError

from throughline.tasks.field_path import joined

_WORD: Final = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?|\w+", re.IGNORECASE)
_GONE: Final = "…"
_RUN_OF_GONE: Final = re.compile(rf"{_GONE}(?:[^\w{_GONE}]*{_GONE})+")


def without_data(error: BaseException, data: Any) -> str:
    """The message; `…` takes the place of what is in the data and not in the code that raised the error.

    What a function has made of the data (a sum, a text spelt backwards) is not found.
    """
    known = _of_the_data(data) - _of_the_code(error)
    cleaned = _WORD.sub(lambda word: _GONE if _same(word[0]) in known else word[0], _message(error))
    return _RUN_OF_GONE.sub(_GONE, cleaned)


def message_of(error: BaseException) -> str:
    """What the error says of itself; nothing when saying it fails: its class is told all the same."""
    try:
        return str(error)
    except Exception:
        return ""


def _message(error: BaseException) -> str:
    if not isinstance(error, ValidationError):
        return message_of(error)
    # pydantic's own text quotes what it was given.
    mistakes = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{joined(mistake['loc']) or error.title}: {mistake['msg']}" for mistake in mistakes)


def _same(word: str) -> str:
    """One spelling for all of a word or a number: 1234.50 is 1234.5."""
    try:
        return repr(float(word))
    except ValueError:
        return word.casefold()


def _of_the_data(data: Any) -> set[str]:
    return {_same(word) for text in _texts(data) for word in _WORD.findall(text) if not _says_nothing(word)}


def _says_nothing(word: str) -> bool:
    """One letter, or a number of one or two digits: they are everywhere."""
    return len(word) < 2 or (word.isdigit() and len(word) < 3)


def _texts(data: Any) -> Iterator[str]:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            waiting += value
        elif value is not None and not isinstance(value, bool):
            yield str(value)


def _of_the_code(error: BaseException) -> set[str]:
    """The words that the functions on the way of the error have in their code, names and texts."""
    codes = (frame.f_code for frame, _ in walk_tb(error.__traceback__))
    return {_same(word) for code in codes for text in _written(code) for word in _WORD.findall(text)}


def _written(code: CodeType) -> Iterator[str]:
    yield from (*code.co_names, *code.co_varnames, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _written(constant)
