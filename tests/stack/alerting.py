"""The stack's own alerting, its time running faster, telling a receiver of the tests instead of PagerDuty."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from tests.command import ROOT
from tests.stack.receiver import PORT
from tests.stack.stack import Stack

FASTER: Final = 20  # five minutes are fifteen seconds
ROUTING_KEY: Final = "0123456789abcdef0123456789abcdef"
_RECEIVER: Final = f"http://receiver:{PORT}"
_MILLISECONDS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = re.compile(r"(\[|\boffset |\b(?:for|group_wait|\w+_interval): )(\d+)(ms|[smhd])\b")


def faster(text: str) -> str:
    """The configuration with every window, wait and interval shorter; nothing else is changed."""

    def shortened(found: re.Match[str]) -> str:
        return f"{found[1]}{int(found[2]) * _MILLISECONDS[found[3]] // FASTER}ms"

    return _DURATION.sub(shortened, text)


class Alerting:
    """What was told to whom."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def pages(self, alert: str, action: str) -> list[dict[str, Any]]:
        """PagerDuty's events about one alert; an event that ends it has the key of the one that began it."""
        events = [line["body"] for line in self._told("/v2/enqueue")]
        keys = {event["dedup_key"] for event in events if event.get("payload", {}).get("class") == alert}
        return [event for event in events if event["event_action"] == action and event["dedup_key"] in keys]

    def refused(self) -> list[dict[str, Any]]:
        return [line for line in self._told("/v2/enqueue") if line["errors"]]

    def webhook(self, alert: str, status: str) -> list[dict[str, Any]]:
        bodies = [line["body"] for line in self._told("/webhook") if line["body"]["status"] == status]
        return [body for body in bodies if body["groupLabels"]["alertname"] == alert]

    def _told(self, path: str) -> list[dict[str, Any]]:
        return [line for line in self._stack.printed("receiver") if line["path"] == path]


@contextmanager
def alerting(stack: Stack, folder: Path) -> Iterator[Alerting]:
    """While the block runs; then everything is as it was."""
    override = _write(folder)
    files = ("-f", "docker-compose.yml", "-f", str(override))
    secrets = {"ALERT_SECRETS": str(folder / "secrets")}
    services = ("receiver", "alertmanager", "prometheus")
    try:
        stack.compose(*files, "up", "--wait", "--no-deps", "--wait-timeout", "120", *services, environment=secrets)
        yield Alerting(stack)
    finally:
        stack.compose(*files, "rm", "--stop", "--force", *services, environment=secrets)
        stack.up()


def _write(folder: Path) -> Path:
    """The committed files with shorter times and the receiver's address, readable by the containers' users."""
    written = {f"prometheus/{name}": _committed(f"prometheus/{name}") for name in ("prometheus.yml", "rules.yml")}
    routes = yaml.safe_load(_committed("alertmanager/sending-routes.yml"))
    for receiver in routes["receivers"]:
        for pagerduty in receiver.get("pagerduty_configs", []):
            pagerduty["url"] = f"{_RECEIVER}/v2/enqueue"
    written["alertmanager/sending-routes.yml"] = yaml.safe_dump(routes)
    written["secrets/pagerduty-routing-key"] = f"{ROUTING_KEY}\n"
    written["secrets/webhook-url"] = f"{_RECEIVER}/webhook\n"
    for name, text in written.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(0o755)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    override = folder / "override.yml"
    override.write_text(yaml.safe_dump(_override(folder)), encoding="utf-8")
    return override


def _committed(name: str) -> str:
    return faster((ROOT / "observability" / name).read_text(encoding="utf-8"))


def _override(folder: Path) -> dict[str, Any]:
    receiver = {
        "image": "throughline/monitor",
        "command": ["python", "/receiver.py"],
        "init": True,
        "networks": ["plane"],
        "volumes": [f"{Path(__file__).with_name('receiver.py')}:/receiver.py:ro"],
    }
    return {
        "services": {
            "prometheus": {"volumes": [f"{folder}/prometheus:/etc/prometheus:ro"]},
            "alertmanager": {"volumes": [f"{folder}/alertmanager:/etc/alertmanager:ro"]},
            "receiver": receiver,
        }
    }
