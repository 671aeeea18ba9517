"""The audit log: append-only JSONL, chained and durable."""
