"""Keeping: what is done with a home beside trading: tidying its logs, backing it up, putting it back, making its store again."""
