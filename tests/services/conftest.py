"""Tests of services that are coroutines run on asyncio, as the bot does, in a home whose store has its tables."""

from pathlib import Path

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def home(home_with_tables: Path) -> Path:
    """A home whose store has its tables and nothing else."""
    return home_with_tables
