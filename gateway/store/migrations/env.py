"""What alembic runs: the migrations on the connection that gateway/store/migrate.py has begun."""

from __future__ import annotations

from alembic import context

from gateway.store.metadata import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # Our BEGIN is explicit, so SQLite's DDL is transactional as well: all of it or nothing.
    transactional_ddl=True,
    include_object=lambda _object, name, kind, _reflected, _other: (
        kind != "table" or name in METADATA.tables
    ),
)
with context.begin_transaction():
    context.run_migrations()
