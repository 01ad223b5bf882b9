"""Reads a process's settings from environment variables; ends it with one line for each wrong one."""

from typing import Any, ClassVar, Self

from pydantic import ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from throughline.settings import together


class EnvironmentSettings(BaseSettings):
    """What all classes of settings share: each field is an environment variable, an empty one counts as unset."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, allow_inf_nan=False)

    _loaded: ClassVar[dict[type, Any]] = {}

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        broken = together.broken(self.model_dump())
        if broken:
            raise PydanticCustomError("together", "{lines}", {"lines": "\n".join(broken)})
        return self

    @classmethod
    def load(cls) -> Self:
        """The settings of this process, read once; a wrong one ends it, since none of it can run on a guess."""
        if cls not in cls._loaded:
            try:
                cls._loaded[cls] = cls()
            except ValidationError as error:
                raise SystemExit("\n".join(wrong_lines(error))) from None
        loaded: Self = cls._loaded[cls]
        return loaded


def wrong_lines(error: ValidationError) -> list[str]:
    """One line for each wrong variable, or for each two that do not go together; never with a value of REDIS_URL."""
    lines = []
    for each in error.errors(include_input=False, include_url=False):
        message = each["msg"].removeprefix("Value error, ")
        name = str(each["loc"][0]).upper() + ": " if each["loc"] else ""
        lines += [f"Wrong setting: {name}{line}" for line in message.splitlines()]
    return lines
