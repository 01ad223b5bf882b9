"""The journey page: where is my request? Drawn on the server, kept fresh by a small script, useful without it."""

from monitor.page.routes import router

__all__ = ["router"]
