"""Locust's file of `make load`: as many requests a second as it is told, below what the nine can do."""

from tests.load.users import Caller


class Client(Caller):
    """The calculations as GET /api/v1/task-types shows them."""
