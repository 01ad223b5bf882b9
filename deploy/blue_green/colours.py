"""The api's two colours as a release's values say them, and what a run still has to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, Literal

Colour = Literal["blue", "green"]
Settings = dict[str, str | bool]

_PARTS: Final = ("api", "worker", "monitor")  # whose images may be a user's own
_TAG: Final = re.compile(r":[^:/@]+$")
_OTHER: Final[dict[Colour, Colour]] = {"blue": "green", "green": "blue"}


class Stage(IntEnum):
    """Where a run begins. It is read from the release alone, so that a run goes on where another one was ended."""

    BRING_UP = 1
    WATCH = 2
    REST = 3
    TIDY = 4  # the version that serves is asked for again: the other colour, which was never switched to, goes
    NOTHING = 5


@dataclass(frozen=True)
class Installed:
    """`shared_tag` is the tag of whatever has none of its own: workers, monitors, NGINX, and a colour.

    `own_images` are by part those that hold a user's own task types. A colour's tag takes the place of the tag in it.
    """

    active: Colour
    enabled: frozenset[Colour]
    own_tags: Mapping[Colour, str]
    shared_tag: str
    history_tag: str = ""
    own_images: Mapping[str, str] = field(default_factory=dict)
    scaled: bool = False

    @property
    def idle(self) -> Colour:
        return _OTHER[self.active]

    def tag_of(self, colour: Colour) -> str:
        return self.own_tags.get(colour) or self._part_tag("api")

    def all_have(self, tag: str) -> bool:
        return self.shared_tag == tag and all(self._part_tag(part) == tag for part in self.own_images)

    def _part_tag(self, part: str) -> str:
        found = _TAG.search(self.own_images.get(part, ""))
        return found[0][1:] if found else self.shared_tag


def installed(values: Mapping[str, Any], app_version: str) -> Installed:
    """From all computed values of a release."""
    api = values["api"]
    colours: tuple[Colour, ...] = ("blue", "green")
    return Installed(
        active=api["active"],
        enabled=frozenset(colour for colour in colours if api[colour]["enabled"]),
        own_tags={colour: str(api[colour].get("tag") or "") for colour in colours},
        shared_tag=str(values["image"].get("tag") or app_version),
        history_tag=str(values["history"].get("tag") or ""),
        own_images={part: str(values[part]["image"]) for part in _PARTS if values[part].get("image")},
        scaled=bool(api["autoscaling"]["enabled"]),
    )


def first_stage(found: Installed, tag: str) -> Stage:
    """A colour with the tag that is not active was never switched to, or switched back from: it is checked anew."""
    if found.tag_of(found.active) != tag:
        return Stage.BRING_UP
    if found.all_have(tag):
        return Stage.TIDY if found.idle in found.enabled else Stage.NOTHING
    return Stage.WATCH if found.idle in found.enabled else Stage.REST


def unfinished(found: Installed) -> str:
    """The tag whose release was begun and not finished; empty where there is none."""
    active = found.tag_of(found.active)
    if not found.all_have(active):
        return active
    return found.tag_of(found.idle) if found.idle in found.enabled else ""


def left_over(found: Installed, tag: str) -> bool:
    """Whether the idle colour is there with a tag that is not asked for."""
    return found.idle in found.enabled and found.tag_of(found.idle) != tag


def bring_up(found: Installed, tag: str) -> Settings:
    """The shared tag is written out: that of a newer chart must not reach the workers with this step.

    The history's tables are brought to the new version first. The old one reads them too (expand, then contract).
    """
    return {
        "image.tag": found.shared_tag,
        "history.tag": tag,
        f"api.{found.active}.tag": found.tag_of(found.active),
        f"api.{found.idle}.enabled": True,
        f"api.{found.idle}.tag": tag,
    }


def switch_to(colour: Colour) -> Settings:
    return {"api.active": colour}


def take_away(colour: Colour) -> Settings:
    return {f"api.{colour}.enabled": False, f"api.{colour}.tag": ""}


def give_up(found: Installed, *, history_is_new: bool) -> Settings:
    """New tables keep their set-up: that of the old version would refuse them. One that did not run is forgotten."""
    settings = take_away(found.idle)
    return settings if history_is_new else settings | {"history.tag": found.history_tag}


def roll_the_rest(found: Installed, tag: str) -> Settings:
    """The active colour's own tag becomes empty: it is the shared one now, and its pods stay."""
    images = {f"{part}.image": f"{_TAG.sub('', image)}:{tag}" for part, image in found.own_images.items()}
    return {"image.tag": tag, "history.tag": "", f"api.{found.active}.tag": "", **images}


def put_the_rest_back(found: Installed, tag: str) -> Settings:
    """`found` is what was there before the rest was rolled."""
    images = {f"{part}.image": image for part, image in found.own_images.items()}
    return {"image.tag": found.shared_tag, "history.tag": tag, f"api.{found.active}.tag": tag, **images}


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
