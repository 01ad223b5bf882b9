"""The journey of a correlation ID: where its requests spent their time, from the spans and log lines on disk."""

from throughline.journey.assembly import assemble, is_complete
from throughline.journey.journey import Journey
from throughline.journey.json_document import to_dict
from throughline.journey.search import Found, find

__all__ = ["Found", "Journey", "assemble", "find", "is_complete", "to_dict"]
