"""`deploy/release`: its arguments, and how it ends."""

import argparse
import os
import re
from pathlib import Path
from typing import Final

from deploy.blue_green import colours
from deploy.blue_green.cluster import Cluster
from deploy.blue_green.colours import Installed
from deploy.blue_green.commands import run
from deploy.blue_green.errors import CannotRelease, NotFit
from deploy.blue_green.helm import Helm, Revision
from deploy.blue_green.inside_pod import remove_left_behind
from deploy.blue_green.kubectl import Kubectl
from deploy.blue_green.lock import Lock
from deploy.blue_green.release import Release, RestPutBack, SwitchedBack, Wish
from deploy.blue_green.signals import Interrupted, Signals
from deploy.blue_green.telling import complain, tell

_CHART: Final = Path(__file__).resolve().parents[1] / "helm" / "throughline"
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DESCRIPTION: Final = """\
Releases a version of the api beside the one that serves (blue/green), then rolls workers, monitors and NGINX.

  deploy/release --namespace risk --release throughline --tag 1.3.0
  deploy/release status --namespace risk --release throughline

The new colour is brought up with as many replicas, and checked from inside the cluster: each replica's readiness, a
task and its journey, no errors in its lines. Then NGINX's requests go to it, and what clients get is watched. With more
errors than before they go back by themselves. Run it again after whatever ended it: it goes on where the release is.
"""
_ENDS: Final = """\
exit codes:
  0    released, or the status was told
  1    refused, or the new version did not start or pass its checks; the old one served all along
  2    the arguments are wrong
  3    the new version answered with errors and was switched back from: the old one serves
  4    the api is released; workers, monitors and NGINX could not be, and are what they were
  130  ended by Ctrl-C (143 by SIGTERM); run it again

THROUGHLINE_API_KEY in the environment is the key for the checks, where the api asks for one (scope admin).
"""


def main() -> int:
    arguments = _arguments()
    signals = Signals()
    signals.listen()
    try:
        return _status(arguments) if arguments.command == "status" else _release(arguments, signals)
    except (CannotRelease, NotFit) as reason:
        complain(f"Not released: {reason}")
        return 1
    except SwitchedBack as reason:
        complain(f"Switched back, the old version serves: {reason}")
        return 3
    except RestPutBack as reason:
        complain(f"The api is released; the other parts are not: {reason} Mend it and run the same command again.")
        return 4
    except Interrupted as ended:
        complain(f"Ended by {ended}. Run the same command again: it goes on where the release is.")
        return 128 + ended.number


def _release(arguments: argparse.Namespace, signals: Signals) -> int:
    helm, cluster = _connected(arguments)
    wish = Wish(
        tag=arguments.tag,
        chart=arguments.chart,
        files=tuple(arguments.values),
        watch_seconds=arguments.watch,
        max_percent=arguments.max_error_rate,
        timeout=arguments.timeout,
        api_key=os.environ.get("THROUGHLINE_API_KEY", ""),
    )
    with Lock(cluster.kubectl, f"{cluster.fullname}-release") as lock:
        _settle(helm, lock)
        remove_left_behind(cluster)
        Release(helm, cluster, lock, signals, wish).run()
    tell(f"Released: {arguments.tag}")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    helm, cluster = _connected(arguments)
    found = colours.installed(helm.values(), helm.app_version())
    for colour in sorted(found.enabled):
        pods = cluster.pods("api", colour)
        ready = f"{sum(pod.ready for pod in pods)} of {len(pods)} ready"
        tell(f"{colour}: {found.tag_of(colour)}, {ready}{', active' if colour == found.active else ''}")
    tell(f"workers, monitors, NGINX: {found.shared_tag}")
    return _told_what_is_open(found, helm.revisions()[-1])


def _told_what_is_open(found: Installed, last: Revision) -> int:
    if last.pending:
        tell(f"Revision {last.number} is {last.status}: a helm command runs, or was killed.")
    if tag := colours.unfinished(found):
        tell(f"A release of {tag} is not finished: --tag {tag} goes on with it.")
    if tag and tag != found.tag_of(found.active):
        tell(f"  --tag {found.tag_of(found.active)} gives it up.")
    return 0


def _connected(arguments: argparse.Namespace) -> tuple[Helm, Cluster]:
    kubectl = Kubectl(arguments.namespace, arguments.context)
    context = arguments.context or _current_context()
    tell(f"Release {arguments.release}, namespace {arguments.namespace}, context {context}")
    helm = Helm(arguments.namespace, arguments.release, arguments.context)
    kubectl("version")
    if not helm.revisions():
        raise CannotRelease(
            f"There is no release {arguments.release} in the namespace {arguments.namespace}. "
            "`helm list --all-namespaces` shows those that there are; the first one is made by `helm install`."
        )
    return helm, Cluster(kubectl, arguments.release)


def _current_context() -> str:
    try:
        return run(["kubectl", "config", "current-context"]).strip()
    except CannotRelease as failed:
        if "current-context is not set" in str(failed):
            return "none (a pod's own account, or nothing)"
        raise


def _settle(helm: Helm, lock: Lock) -> None:
    """Helm refuses everything while a revision is pending, for ever where its command was killed."""
    *earlier, last = helm.revisions()
    if last.status == "failed":
        tell(f"Revision {last.number} failed. As helm does, this run starts from the last one that did not.")
    if not last.pending:
        return
    good = next((each for each in reversed(earlier) if each.status in {"deployed", "superseded"}), None)
    if not lock.taken_over or good is None:
        back = f"helm rollback {good.number}" if good else "helm uninstall"
        raise CannotRelease(
            f"Revision {last.number} is {last.status}: another helm command runs, or was killed. Wait for its end; if "
            f"none runs, `{back}` resolves it."
        )
    tell(f"The run before was killed within a `helm upgrade`: revision {last.number} is rolled back to {good.number}")
    helm.rollback(good.number)


def _arguments() -> argparse.Namespace:
    parser = _parser()
    given = parser.parse_args()
    if given.command is None and not _TAG.fullmatch(given.tag or ""):
        parser.error(
            f"--tag {given.tag} is no image's tag" if given.tag else "--tag is missing: the tag of the new images"
        )
    if missing := next((path for path in (given.chart, *given.values) if not path.exists()), None):
        parser.error(f"there is no {missing}")
    return given


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="deploy/release",
        description=_DESCRIPTION,
        epilog=_ENDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=["status"], help="tell which version serves, and change nothing")
    parser.add_argument("--namespace", "-n", required=True, help="the release's namespace")
    parser.add_argument("--release", default="throughline", help="its name (default: %(default)s)")
    parser.add_argument("--tag", help="of the new images")
    parser.add_argument("--context", default="", help="of the kubeconfig (default: the current one)")
    parser.add_argument("--chart", type=Path, default=_CHART, help="folder or package (default: this checkout's)")
    parser.add_argument(
        "--values", "-f", type=Path, action="append", default=[], metavar="FILE", help="values to change"
    )
    parser.add_argument("--watch", type=_seconds, default=60, metavar="SECONDS", help="after the switch (default: 60)")
    parser.add_argument("--max-error-rate", type=_percent, default=1, metavar="PERCENT", help=_MAX_ERROR_RATE)
    parser.add_argument("--timeout", type=_seconds, default=300, metavar="SECONDS", help="for pods to get ready (300)")
    return parser


_MAX_ERROR_RATE: Final = "share of errors (5xx) that is borne, on top of the share before the switch (default: 1)"


def _seconds(given: str) -> float:
    value = float(given)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{given} is no number of seconds above 0")
    return value


def _percent(given: str) -> float:
    value = float(given)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{given} is no number from 0 to 100")
    return value
