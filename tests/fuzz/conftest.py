"""The server that is sent what nobody should send."""

from tests.api.conftest import _no_log_lines, api, seeded_store, shared_api, start

__all__ = ["_no_log_lines", "api", "seeded_store", "shared_api", "start"]
