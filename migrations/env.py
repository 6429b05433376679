"""Runs the migrations on the connection that the gateway hands in, one transaction for all of them."""

from __future__ import annotations

from alembic import context

from gateway.adapters.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
