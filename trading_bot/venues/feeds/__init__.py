"""Feeds: where the paper exchange takes its bars from."""
