"""Takes alerts in a container of the tests: as strict as PagerDuty's Events API v2, or as any webhook.

Standard library only. Prints one JSON line for each request, with what was wrong with it.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PORT = 8080
_SEVERITIES = {"critical", "error", "warning", "info"}


def wrong(event: dict[str, Any]) -> list[str]:
    """What PagerDuty would refuse the event for."""
    found = []
    if len(event.get("routing_key", "")) != 32:
        found.append("routing_key: must be 32 characters")
    if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        found.append("event_action: trigger, acknowledge or resolve")
    if not 1 <= len(event.get("dedup_key", "")) <= 255:
        found.append("dedup_key: 1 to 255 characters")
    if event.get("event_action") == "trigger":
        payload = event.get("payload", {})
        if not 1 <= len(payload.get("summary", "")) <= 1024:
            found.append("payload.summary: 1 to 1024 characters")
        if not payload.get("source"):
            found.append("payload.source: missing")
        if payload.get("severity") not in _SEVERITIES:
            found.append("payload.severity: critical, error, warning or info")
    return found


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        errors = wrong(body) if self.path == "/v2/enqueue" else []
        sys.stdout.write(json.dumps({"path": self.path, "errors": errors, "body": body}) + "\n")
        sys.stdout.flush()
        self.send_response(400 if errors else 202)
        self.end_headers()
        told = {
            "status": "invalid event" if errors else "success",
            "dedup_key": body.get("dedup_key"),
            "errors": errors,
        }
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", PORT), Receiver).serve_forever()
