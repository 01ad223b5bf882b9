"""Asks the stack's Elasticsearch for a command: as the user of the environment, with an error in one line."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.local.run import CannotRun

Answer = TypeVar("Answer")


def asked(url: str, ask: Callable[[Client], Answer]) -> Answer:
    with client_of(url) as client:
        try:
            return ask(client)
        except Unanswered as error:
            raise CannotRun(str(error)) from None


def client_of(url: str) -> Client:
    """As the user of the environment; raises `CannotRun` for a certificate that cannot be read."""
    user = os.environ.get("ELASTICSEARCH_USER", "throughline_reader")
    ca_file = os.environ.get("ELASTICSEARCH_CA_FILE")
    try:
        return Client(
            url, user, os.environ.get("ELASTICSEARCH_PASSWORD", ""), ca_file=Path(ca_file) if ca_file else None
        )
    except (OSError, ssl.SSLError) as error:
        raise CannotRun(f"ELASTICSEARCH_CA_FILE: {ca_file} holds no certificate in PEM ({error})") from None
