"""A port, a home whose store has its tables, and commands as an operator types them."""

import socket
from pathlib import Path

import pytest

from tests.terminal.conftest import typed

__all__ = ["typed"]


@pytest.fixture
def port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


@pytest.fixture
def home(home_with_tables: Path) -> Path:
    """A home whose store has its tables and nothing else."""
    return home_with_tables
