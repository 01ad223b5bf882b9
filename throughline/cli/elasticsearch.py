"""Asks the stack's Elasticsearch for a command: as the user of the environment, with an error in one line."""

import os
from collections.abc import Callable
from typing import TypeVar

from throughline.journey.elasticsearch_client import Client, Unanswered
from throughline.local.run import CannotRun

Answer = TypeVar("Answer")


def asked(url: str, ask: Callable[[Client], Answer]) -> Answer:
    user = os.environ.get("ELASTICSEARCH_USER", "throughline_reader")
    with Client(url, user, os.environ.get("ELASTICSEARCH_PASSWORD", "")) as client:
        try:
            return ask(client)
        except Unanswered as error:
            raise CannotRun(str(error)) from None
