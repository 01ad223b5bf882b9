"""The journey page: rendered on the server, refreshed by a small script, complete without it."""

from monitor.page.routes import router

__all__ = ["router"]
