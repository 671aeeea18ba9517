"""The application log, by what it leaves on disk."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


class Shy:
    """Raises when it is looked at."""

    def __repr__(self) -> str:
        raise LookupError


class WordlessError(Exception):
    """Has no words."""

    def __str__(self) -> str:
        raise LookupError


def wordless() -> None:
    raise WordlessError


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(100_000):
        found = [found]
    return found


def written(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Shy(), "[Shy]"),
        ({"within": [Shy()]}, "[dict]"),
        (endless(), "[list]"),
        (deep(), "[list]"),
        ({("a", "b"): 1}, "[dict]"),
        (10**5_000, "[int]"),
        ("half of a pair: \ud800", "half of a pair: \ud800"),
    ],
    ids=["repr", "within", "endless", "deep", "names", "digits", "surrogate"],
)
def test_a_value_that_can_not_be_written_costs_nobody_else_their_line(tmp_path: Path, value: object, told: str) -> None:
    log_to(tmp_path / "bot.log")
    log = structlog.get_logger("test")

    try:
        wordless()
    except WordlessError:
        log.exception("step_failed", step="orders", strange=value)
    log.info("next")

    first, second = written(tmp_path / "bot.log")
    assert (first["event"], first["step"], first["strange"], first["level"]) == ("step_failed", "orders", told, "error")
    assert "raise WordlessError" in first["exception"]
    assert second["event"] == "next"


def test_what_a_full_disk_refuses_is_lost_and_what_comes_later_is_not(tmp_path: Path) -> None:
    file = tmp_path / "bot.log"
    file.symlink_to("/dev/full")
    log_to(file)
    log = structlog.get_logger("test")

    log.info("lost")
    log.info("lost as well")
    file.unlink()
    log.info("kept")

    assert [line["event"] for line in written(file)] == ["kept"]


def test_a_file_that_was_closed_is_opened_again(tmp_path: Path) -> None:
    log_to(tmp_path / "bot.log")
    log = structlog.get_logger("test")
    log.info("first")
    for handler in logging.getLogger().handlers:
        if isinstance(handler, application._File) and handler.stream:
            handler.stream.close()

    log.info("lost")
    log.info("kept")

    assert [line["event"] for line in written(tmp_path / "bot.log")] == ["first", "kept"]


def test_a_file_that_can_not_be_turned_over_fails_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "FILE_BYTES", 300)
    in_the_way = [tmp_path / "bot.log.2", tmp_path / "bot.log.3"]
    for folder in in_the_way:
        folder.mkdir()
    log_to(tmp_path / "bot.log")
    log = structlog.get_logger("test")

    for number in range(5):
        log.info("written", number=number)
    for folder in in_the_way:
        folder.rmdir()
    log.info("written", number=5)

    assert [line["number"] for line in written(tmp_path / "bot.log.1")] == [0, 1]
    assert [line["number"] for line in written(tmp_path / "bot.log")] == [5]


def test_a_disk_that_fails_in_a_way_that_nobody_foresaw_fails_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a signal finds the writer within a write: that is a RuntimeError."""

    def refuse(self: object, line: str) -> None:
        raise RuntimeError

    monkeypatch.setattr(application._File, "_append", refuse)
    log_to(tmp_path / "bot.log")

    structlog.get_logger("test").info("lost")
    record = logging.LogRecord("a.library", logging.WARNING, __file__, 1, "%d", ("no number",), None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, application._File):
            handler.handle(record)

    assert not (tmp_path / "bot.log").exists() or written(tmp_path / "bot.log") == []
