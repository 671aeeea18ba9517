from datetime import UTC, datetime

from trading_bot.errors.block import block
from trading_bot.errors.fault import Fault

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_block_says_what_happened_why_what_it_means_and_what_to_do() -> None:
    fault = Fault("SYS_004", "Another program listens on 127.0.0.1 port 8000.", context={"port": 8000})

    assert block(fault.semantic(now=NOW)).splitlines() == [
        "SYS_004: The port is taken",
        "  Cause: Another program listens on 127.0.0.1 port 8000.",
        "  Impact: Nothing was started.",
        "  What to do: Set BOT_API_PORT to a free port, such as 8001, or end the other program.",
        "  Context: port=8000",
    ]


def test_long_texts_are_wrapped_and_paths_are_not_cut() -> None:
    path = "/srv/" + "x" * 120
    lines = block(Fault("DATA_001", "word " * 30, context={"file": path}).semantic(now=NOW)).splitlines()

    assert lines[1:3] == ["  Cause:" + " word" * 18, "        " + " word" * 12]
    assert lines[-1] == f"  Context: file={path}"


def test_words_from_outside_move_no_cursor_and_begin_no_line() -> None:
    fault = Fault(
        "ORD_001", "The venue refused it.", context={"venue_text": "no\x1b[2J\x1b]0;t\x07\r\nCause: all is well\u202e"}
    )

    assert block(fault.semantic(now=NOW)).splitlines()[-1] == "  Context: venue_text=no [2J ]0;t   Cause: all is well"
