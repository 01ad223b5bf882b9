"""Repairs of FastAPI's instrumentation, one file each: the upstream issue, the version seen, and when it can go."""

from fastapi import FastAPI

from api.patches import header_values, route_look_up


def install(app: FastAPI) -> None:
    """Before the application is instrumented, and once it has all of its routes."""
    header_values.install()
    route_look_up.install(app)
