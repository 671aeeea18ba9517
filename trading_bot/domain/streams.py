"""Streams: what the audit log is divided into, and the names in its lines that no record may use."""

STREAMS = (
    "orders",
    "plans",
    "sessions",
    "trades",
    "errors",
    "risk-management",
    "performance-alerts",
    "decisions",
    "commands",
    "config_history",
    "workflow_execution_log",
)
"""Every stream, by name."""

LINE_FIELDS = ("seq", "ts", "outbox", "prev", "hash")
"""What the log itself writes into each line, beside the record's own fields."""
