"""The journey of a correlation ID: where its requests spent their time, from the spans and log lines on disk."""

from observability.journey.assembly import assemble, is_complete
from observability.journey.document import to_dict
from observability.journey.journey import Journey
from observability.journey.search import Found, find

__all__ = ["Found", "Journey", "assemble", "find", "is_complete", "to_dict"]
