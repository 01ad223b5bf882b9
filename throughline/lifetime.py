"""For how long tasks are kept, in words."""

from typing import Final

_UNITS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def in_words(seconds: int) -> str:
    """`7 days`, `90 minutes`, `1 minute`, `61 seconds`: in the largest unit that leaves no rest."""
    size, unit = next(each for each in _UNITS if seconds % each[0] == 0 and seconds >= each[0])
    number = seconds // size
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def not_there(task_id: str, seconds: int) -> str:
    """Of a task that nobody knows."""
    return f"There is no task {task_id[:128]!r} (any more): tasks are kept for {in_words(seconds)} after their end."
