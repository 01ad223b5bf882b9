"""`python -m monitor.plane.kibana FOLDER`: imports the saved objects of a folder. Safe to run again."""

import logging
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from throughline.journey import kibana_links as links
from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.settings import PlaneSettings
from throughline.telemetry import logging as log_lines

_logger: Final = logging.getLogger("throughline.setup")
_IMPORT: Final = "/api/saved_objects/_import?overwrite=true"
_SECONDS: Final = 60


def import_folder(client: Client, folder: Path, settings: PlaneSettings) -> list[str]:
    """The names of the files that were taken; `Unanswered` when Kibana does not take one whole."""
    taken = []
    for path in sorted(folder.glob("*.ndjson")):
        upload = {"file": (path.name, _with_addresses(path.read_bytes(), settings), "application/ndjson")}
        answer = client.ask("POST", _IMPORT, files=upload, headers={"kbn-xsrf": "true"})
        if not answer.get("success"):  # the status is 200 all the same
            raise Unanswered(f"Kibana does not take {path.name}: {answer.get('errors')}")
        taken.append(path.name)
    return taken


def _with_addresses(content: bytes, settings: PlaneSettings) -> bytes:
    """Replaces the addresses of Jaeger and the API in links by the configured ones, if there are any."""
    jaeger, api = settings.jaeger_public_url, settings.api_public_url
    for usual, configured in ((links.TRACES, jaeger), (links.TASKS, api)):
        if configured:
            content = content.replace(usual.encode(), f"{configured}{urlsplit(usual).path}".encode())
    return content


def main() -> int:
    settings = PlaneSettings.load()
    log_lines.setup("setup", settings)
    folder, url, user = Path(sys.argv[1]), settings.kibana_url, settings.elasticsearch_user
    with Client(url, user, settings.elasticsearch_password, _SECONDS, settings.elasticsearch_ca_file) as client:
        try:
            taken = import_folder(client, folder, settings)
        except Unanswered as error:
            _logger.error("%s", error)
            return 1
    _logger.info("Kibana took %s", ", ".join(taken) or "nothing: there are no saved objects yet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
