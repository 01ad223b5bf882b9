"""Elasticsearch as the pages ask it: as the monitor's own user, and not for longer than somebody waits for a page."""

from typing import Final

from throughline.journey.elasticsearch_client import Client
from throughline.settings import MonitorSettings

_ANSWER_SECONDS: Final = 5


def client(settings: MonitorSettings) -> Client:
    """Connects at its first question, and stays for as long as the monitor does."""
    return Client(
        settings.elasticsearch_url,
        settings.elasticsearch_user,
        settings.elasticsearch_password,
        _ANSWER_SECONDS,
        settings.elasticsearch_ca_file,
    )
