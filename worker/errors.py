"""How a task can go wrong: the class decides, in one place, whether it is run again."""


class TaskError(Exception):
    """A task that did not give a result; its message is for the client and holds none of the task's data."""


class PermanentTaskError(TaskError):
    """Running it again would end the same way."""


class InvalidTaskData(PermanentTaskError):
    """The data does not fit the task type's model (a task sent past the API)."""


class NotCalculable(PermanentTaskError):
    """The data fits the model, but no result is defined for it."""


class TaskCancelled(PermanentTaskError):
    """Its cancellation was requested while it ran; it stopped between two chunks."""
