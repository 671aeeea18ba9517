"""Alembic's entry: runs migrations on the connection, and in the transaction, that `schema.py` hands over."""

from alembic import context

from trading_bot.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
