"""Tests of services that are coroutines run on asyncio, as the bot does."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
