"""A request for a page that is not answered with one."""

from collections.abc import Mapping


class Refused(Exception):
    """What to answer instead; the detail is for people."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, dict(headers or {})
