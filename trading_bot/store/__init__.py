"""What is kept: SQL tables, one module a noun, the same on SQLite and PostgreSQL."""
