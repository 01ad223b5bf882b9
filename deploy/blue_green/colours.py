"""The api's two colours as a release's values say them, and what a run still has to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Literal

Colour = Literal["blue", "green"]
Settings = dict[str, str | bool]

_OTHER: Final[dict[Colour, Colour]] = {"blue": "green", "green": "blue"}


class Stage(IntEnum):
    """Where a run begins. It is read from the release alone, so that a run goes on where another one was ended."""

    BRING_UP = 1
    WATCH = 2
    REST = 3
    NOTHING = 4


@dataclass(frozen=True)
class Installed:
    """`shared_tag` is the tag of whatever has none of its own: workers, monitors, NGINX, and a colour."""

    active: Colour
    enabled: frozenset[Colour]
    own_tags: Mapping[Colour, str]
    shared_tag: str
    scaled: bool = False

    @property
    def idle(self) -> Colour:
        return _OTHER[self.active]

    def tag_of(self, colour: Colour) -> str:
        return self.own_tags.get(colour) or self.shared_tag


def installed(values: Mapping[str, Any], app_version: str) -> Installed:
    """From all computed values of a release."""
    api = values["api"]
    colours: tuple[Colour, ...] = ("blue", "green")
    return Installed(
        active=api["active"],
        enabled=frozenset(colour for colour in colours if api[colour]["enabled"]),
        own_tags={colour: str(api[colour].get("tag") or "") for colour in colours},
        shared_tag=str(values["image"].get("tag") or app_version),
        scaled=bool(api["autoscaling"]["enabled"]),
    )


def first_stage(found: Installed, tag: str) -> Stage:
    """A colour with the tag that is not active was never switched to, or switched back from: it is checked anew."""
    if found.tag_of(found.active) != tag:
        return Stage.BRING_UP
    if found.idle in found.enabled:
        return Stage.WATCH
    return Stage.NOTHING if found.shared_tag == tag else Stage.REST


def left_over(found: Installed, tag: str) -> bool:
    """Whether the idle colour is there with a tag that is not asked for."""
    return found.idle in found.enabled and found.tag_of(found.idle) != tag


def bring_up(found: Installed, tag: str) -> Settings:
    """The shared tag is written out: that of a newer chart must not reach the workers with this step."""
    return {
        "image.tag": found.shared_tag,
        f"api.{found.active}.tag": found.tag_of(found.active),
        f"api.{found.idle}.enabled": True,
        f"api.{found.idle}.tag": tag,
    }


def switch_to(colour: Colour) -> Settings:
    return {"api.active": colour}


def take_away(colour: Colour) -> Settings:
    return {f"api.{colour}.enabled": False, f"api.{colour}.tag": ""}


def roll_the_rest(colour: Colour, tag: str) -> Settings:
    """The colour's own tag becomes empty: it is the shared one now, and its pods stay."""
    return {"image.tag": tag, f"api.{colour}.tag": ""}


def put_the_rest_back(colour: Colour, tag: str, shared_tag: str) -> Settings:
    return {"image.tag": shared_tag, f"api.{colour}.tag": tag}


def arguments(settings: Settings) -> list[str]:
    """For helm. A tag such as 1.3 must stay a string."""
    given: list[str] = []
    for name, value in settings.items():
        given += (
            ["--set", f"{name}={str(value).lower()}"]
            if isinstance(value, bool)
            else ["--set-string", f"{name}={value}"]
        )
    return given
