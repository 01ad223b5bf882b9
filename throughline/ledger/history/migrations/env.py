"""Alembic runs this to apply the versions beside it, over the connection that migration.py gives it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
