"""An audit log in a folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.set_clock import SetClock
from trading_bot.logs.audit import AuditLog


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def log(folder: Path, clock: SetClock) -> Iterator[AuditLog]:
    opened = AuditLog(folder, clock)
    yield opened
    opened.close()
