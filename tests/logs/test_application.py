"""The application log, by what it leaves on disk."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from trading_bot.logs import application
from trading_bot.logs.application import log_to


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    yield
    for handler in set(logging.getLogger().handlers) - set(handlers):
        logging.getLogger().removeHandler(handler)
        handler.close()
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def test_no_line_is_lost_where_one_file_ends_and_the_next_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "FILE_BYTES", 1_000)
    log_to(tmp_path / "api.log")
    log = structlog.get_logger("test")

    for number in range(24):
        log.info("written", number=number)

    files = [tmp_path / f"api.log.{n}" for n in (3, 2, 1)] + [tmp_path / "api.log"]
    lines = [json.loads(line) for file in files if file.exists() for line in file.read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(24))
    assert (tmp_path / "api.log.1").exists()
    assert all(file.stat().st_size <= 1_000 for file in files if file.exists())
