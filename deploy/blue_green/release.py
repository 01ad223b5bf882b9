"""The steps of a release, each of which a later run finds done or not done."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy.blue_green import colours
from deploy.blue_green.answers import faults
from deploy.blue_green.cluster import Cluster
from deploy.blue_green.colours import Colour, Installed, Stage
from deploy.blue_green.error_rate import Count, ErrorRate
from deploy.blue_green.errors import CannotRelease, NotFit
from deploy.blue_green.helm import Helm
from deploy.blue_green.inside_pod import InsidePod
from deploy.blue_green.lock import Lock
from deploy.blue_green.pods import Pod
from deploy.blue_green.signals import Signals
from deploy.blue_green.telling import tell
from deploy.blue_green.watch import NginxLines, Watch

_CHECK_SECONDS: Final = 200.0
_CHOSEN_SECONDS: Final = 60.0
_THE_REST: Final = ("worker", "monitor", "nginx")


class SwitchedBack(Exception):
    """The new version was switched to and was not fit; the old one serves again."""


class RestPutBack(Exception):
    """The api is new; workers, monitors and NGINX are what they were."""


@dataclass(frozen=True)
class Wish:
    tag: str
    chart: Path
    files: tuple[Path, ...] = ()
    watch_seconds: float = 60
    max_percent: float = 1
    timeout: float = 300
    api_key: str = field(default="", repr=False)


class Release:
    def __init__(self, helm: Helm, cluster: Cluster, lock: Lock, signals: Signals, wish: Wish) -> None:
        self._helm, self._cluster, self._lock, self._signals, self._wish = helm, cluster, lock, signals, wish
        self._values = helm.values()
        self._found = self._installed()
        self._history_is_new = False
        self._id = f"release-{wish.tag}-{secrets.token_hex(4)}"

    def run(self) -> None:
        stage = colours.first_stage(self._found, self._wish.tag)
        if stage is Stage.NOTHING:
            raise CannotRelease(
                f"{self._wish.tag} is what {self._found.active} serves already, and all other parts have it."
            )
        if stage is Stage.TIDY:
            idle = self._found.idle
            self._upgrade(colours.take_away(idle), f"{idle} ({self._found.tag_of(idle)}) is given up and taken away")
            return
        self._refuse_what_would_fail()
        if stage is Stage.BRING_UP:
            old, new = self._found.active, self._found.idle
            with self._old_one_serves(new):
                pods = self._bring_up(new)
                self._check(new, pods)
            self._switch_and_watch(old, new)
        elif stage is Stage.WATCH:
            old, new = self._found.idle, self._found.active
            tell(f"{new} ({self._wish.tag}) is active, and {old} is still there: a run was ended after the switch")
            self._switch_and_watch(old, new)
        if stage is not Stage.REST:
            self._upgrade(colours.take_away(old), f"{old} is taken away")
        self._roll_the_rest()

    def _refuse_what_would_fail(self) -> None:
        if self._values.get("apiKeysSecret") and not self._wish.api_key:
            raise CannotRelease(
                "The api asks for keys (apiKeysSecret). Put one of scope admin into the environment as "
                "THROUGHLINE_API_KEY: the checks send a task."
            )
        for part, image in self._found.own_images.items():
            if "@" in image:
                raise CannotRelease(
                    f"The value {part}.image ({image}) is a digest. Name the image by a tag: --tag is put in."
                )

    def _bring_up(self, new: Colour) -> list[Pod]:
        found, wish = self._found, self._wish
        if colours.left_over(found, wish.tag):
            self._upgrade(colours.take_away(new), f"{new} is left over with {found.tag_of(new)}: it is taken away")
        self._upgrade(
            colours.bring_up(found, wish.tag),
            f"{new} is brought up with {wish.tag}; {found.active} ({found.tag_of(found.active)}) serves",
            self._wish.files,
        )
        self._as_many_as_the_old(new)
        self._cluster.wait_for_history(self._helm.revisions()[-1].number, wish.timeout)
        self._history_is_new = True
        pods = self._cluster.wait_for_colour(new, wish.timeout)
        tell(f"{new} is ready: {', '.join(pod.name for pod in pods)}")
        return pods

    def _as_many_as_the_old(self, new: Colour) -> None:
        """Where something scales the api, a new Deployment begins with one replica."""
        if self._found.scaled:
            replicas = int(self._cluster.deployment(self._found.active)["spec"]["replicas"])
            self._cluster.scale(new, replicas)
            tell(f"{new} gets as many replicas as {self._found.active} has: {replicas}")

    def _check(self, new: Colour, pods: list[Pod]) -> None:
        tell(f"{new} is checked from inside, as {self._id}")
        plan = self._plan(new) | {"replicas": {pod.name: f"http://{pod.address}:8000" for pod in pods}}
        checked = self._inside(new).check(plan, _CHECK_SECONDS)
        for what, wrong in checked:
            tell(f"  {'✗' if wrong else '✓'} {what}{': ' if wrong else ''}{wrong}")
        if wrong := next((f"{what}: {wrong}" for what, wrong in checked if wrong), ""):
            raise NotFit(wrong)
        if not plan["journey"]:
            tell("  journey not checked: no Elasticsearch; the task's own record says that it ran")
        if found := faults(self._cluster.kubectl.logs(self._cluster.selector("api", new))):
            raise NotFit(f"{new} wrote {len(found)} errors, such as: {found[0]}")
        tell(f"  ✓ no errors in the lines of {new}")

    def _switch_and_watch(self, old: Colour, new: Colour) -> None:
        """On anything bad, and when the switch itself fails, the old colour serves again."""
        lines = NginxLines(self._cluster)
        with self._inside(new).probing(
            self._plan(new) | {"url": f"http://{self._cluster.fullname}-nginx:{self._port}"}
        ):
            before = lines.before()
            if self._found.active == new:
                before = Count()  # what came before this run is the new colour's already
            watch = Watch(self._cluster, new, lines, ErrorRate(before, self._wish.max_percent), f'"{self._id}-')
            try:
                self._switch(new)
                tell(f"Watching for {self._wish.watch_seconds:.0f} s; {_in_words(before.answers, before.errors)}")
                watch.last(self._wish.watch_seconds)
            except NotFit as reason:
                self._switch_back(old, new, reason)
        tell(f"Good: {watch.rate.since.answers} answers since the switch, {watch.rate.since.errors} errors")

    def _switch(self, new: Colour) -> None:
        self._as_many_as_before(new)
        self._upgrade(colours.switch_to(new), f"NGINX's requests go to {new}")
        self._cluster.wait_until_chosen(self._cluster.pods("api", new), _CHOSEN_SECONDS)

    def _as_many_as_before(self, new: Colour) -> None:
        """The old colour may have been scaled while the new one was checked."""
        if self._found.scaled and self._found.active != new:
            self._as_many_as_the_old(new)
            self._cluster.wait_for_colour(new, self._wish.timeout)

    def _switch_back(self, old: Colour, new: Colour, reason: NotFit) -> None:
        tell(f"✗ {reason}")
        with self._signals.held():
            self._lock.ensure()
            self._cluster.choose(old)
            self._upgrade(colours.switch_to(old), f"Switched back: {old} serves")
            self._cluster.wait_until_chosen(self._cluster.pods("api", old), _CHOSEN_SECONDS)
            self._upgrade(colours.take_away(new), f"{new} is taken away")
        raise SwitchedBack(str(reason))

    def _roll_the_rest(self) -> None:
        wish = self._wish
        before = self._installed()
        self._upgrade(
            colours.roll_the_rest(before, wish.tag), f"Workers, monitors and NGINX get {wish.tag}, pod by pod"
        )
        try:
            for part in _THE_REST:
                self._cluster.wait_for_rollout(part, wish.tag, wish.timeout)
                tell(f"  {part}: all pods are new")
        except NotFit as reason:
            tell(f"✗ {reason}")
            with self._signals.held():
                back = f"Workers, monitors and NGINX stay at {before.shared_tag}"
                self._upgrade(colours.put_the_rest_back(before, wish.tag), back)
            raise RestPutBack(str(reason)) from None

    @contextmanager
    def _old_one_serves(self, new: Colour) -> Iterator[None]:
        """Before the switch nothing can happen to clients: the new colour is taken away, and that is all."""
        try:
            yield
        except NotFit as reason:
            tell(f"✗ {reason}")
            with self._signals.held():
                settings = colours.give_up(self._found, history_is_new=self._history_is_new)
                self._upgrade(settings, f"{new} is taken away; {self._found.active} served all along")
            raise

    def _upgrade(self, settings: colours.Settings, why: str, files: tuple[Path, ...] = ()) -> None:
        self._lock.ensure()
        with self._signals.held():
            self._helm.upgrade(self._wish.chart, files, settings, why)
        tell(why)

    def _installed(self) -> Installed:
        return colours.installed(self._helm.values(), self._helm.app_version())

    def _inside(self, new: Colour) -> InsidePod:
        return InsidePod(self._cluster, new, self._wish.api_key)

    def _plan(self, new: Colour) -> dict[str, Any]:
        name = self._cluster.fullname
        searchable = bool(self._values["elasticsearch"].get("url") or self._values["demo"].get("enabled"))
        return {
            "url": f"http://{name}-api-{new}:8000",
            "monitor": f"http://{name}-monitor:8084",
            "correlation_id": self._id,
            "journey": searchable,
            "seconds": self._wish.watch_seconds + self._wish.timeout,
        }

    @property
    def _port(self) -> int:
        return int(self._values["nginx"]["service"]["port"])


def _in_words(answers: int, errors: int) -> str:
    if not answers:
        return "no client sent anything before: requests of this run's own are sent"
    return f"of {answers} answers before, {errors} were errors"
