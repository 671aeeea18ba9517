"""Versions of the tables. It imports nothing, so that a start can compare them before anything heavy is loaded."""

VERSIONS = ("0001",)
"""Every version of the tables, oldest first; `migrations/versions` has one module for each."""
HEAD = VERSIONS[-1]
"""The version that this release reads and writes."""
