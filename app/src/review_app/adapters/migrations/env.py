"""Runs the migrations on the connection that `migration.migrate` hands over."""

from alembic import context

from review_app.adapters.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
