"""Migrations: how the tables came to be as they are, one module a version; Alembic runs them, see `schema.py`."""
