"""Pure functions on numpy arrays: no Celery, no I/O, no settings."""
