"""The FastAPI service: takes tasks in, tells how they fare."""
