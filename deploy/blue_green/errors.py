"""Why a release stops; each message is one line that says what is wrong and what to do."""


class CannotRelease(Exception):
    """Something that is asked for cannot be done, or a command of kubectl or helm failed."""


class NotFit(Exception):
    """The new version is not fit to serve: it did not start, failed a check, or answers with errors."""
