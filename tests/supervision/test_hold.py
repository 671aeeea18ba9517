from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trading_bot.domain.processes import Hold
from trading_bot.supervision.hold import UNREADABLE, read_hold, remove_hold, write_hold
from trading_bot.supervision.program import Program

HOLD = Hold(error_code="SUP_001", cause="It ended 6 times — in a row.", at=datetime(2026, 3, 2, 21, 30, tzinfo=UTC))


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(
        name="bot", argv=(), environment={}, release="1", output=tmp_path / "out", note=tmp_path / "bot.json"
    )


def test_a_hold_is_read_as_it_was_written_and_is_gone_once_removed(program: Program) -> None:
    assert read_hold(program) is None
    write_hold(program, HOLD)
    assert read_hold(program) == HOLD
    write_hold(program, replace(HOLD, error_code=None))
    assert read_hold(program) == replace(HOLD, error_code=None)
    remove_hold(program)
    remove_hold(program)
    assert read_hold(program) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cause": "x"}', '{"error_code": null, "cause": "x", "at": "soon"}'])
def test_a_note_that_can_not_be_read_holds(text: str, program: Program) -> None:
    write_hold(program, HOLD)
    program.note.with_suffix(".held").write_text(text)

    assert read_hold(program) == Hold(error_code=None, cause=UNREADABLE, at=datetime(1970, 1, 1, tzinfo=UTC))
