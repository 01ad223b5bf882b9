"""The FastAPI service: accepts tasks and reports on them."""
