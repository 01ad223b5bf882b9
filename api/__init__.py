"""The FastAPI service: accepts tasks and reports on them."""

from throughline.telemetry import first

first.settle()
