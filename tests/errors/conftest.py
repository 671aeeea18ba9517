"""What the tests of errors share: the demo bot's API, and coroutines on asyncio."""

import pytest

from tests.api.conftest import _no_log_lines, api, seeded_store, shared_api, start

__all__ = ["_no_log_lines", "anyio_backend", "api", "seeded_store", "shared_api", "start"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
