"""What can go wrong in a risk calculation beyond data that does not fit its model."""

from throughline import PermanentError


class NotCalculable(PermanentError):
    """The data fits the model, but no result is defined for it."""
