"""A length of time for people: three digits and the unit that needs no zeros."""


def in_words(nanoseconds: int) -> str:
    """`312 µs`, `4.12 ms`, `41.2 ms`, `3.20 s`, `2 m 05 s`, `1 h 02 m`."""
    for unit, size in (("µs", 1e3), ("ms", 1e6), ("s", 1e9)):
        value = nanoseconds / size
        if value < (999.5 if unit != "s" else 59.95):
            return f"{value:.{_decimals(value, unit)}f} {unit}"
    seconds = round(nanoseconds / 1e9)
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} m"


def _decimals(value: float, unit: str) -> int:
    if unit == "µs" or value >= 99.95:
        return 0
    return 1 if value >= 9.995 else 2
