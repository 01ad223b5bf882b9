"""Redis and the Celery envelope, nothing else."""
