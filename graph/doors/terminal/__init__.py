"""The `botgraph` command: one module for each group of commands."""

from graph.doors.terminal.program import app, main

__all__ = ["app", "main"]
