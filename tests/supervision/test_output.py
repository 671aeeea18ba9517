import subprocess
import sys
from pathlib import Path

from trading_bot.supervision.output import bound, last_line, tail


def test_a_file_within_its_limit_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "out.log"
    file.write_bytes(b"x" * 100)

    assert not bound(file, limit=100)
    assert file.read_bytes() == b"x" * 100


def test_a_file_beyond_its_limit_is_turned_over_while_somebody_writes_to_it(tmp_path: Path) -> None:
    file = tmp_path / "out.log"
    with (
        file.open("ab") as output,
        subprocess.Popen(
            [sys.executable, "-c", "for _ in range(2): print(input(), flush=True)"],
            stdin=subprocess.PIPE,
            stdout=output,
        ) as writer,
    ):
        assert writer.stdin
        writer.stdin.write(b"before\n")
        writer.stdin.flush()
        while not file.stat().st_size:
            pass
        turned = bound(file, limit=3)
        writer.communicate(b"after\n")

    assert turned
    assert (tmp_path / "out.log.1").read_text() == "before\n"
    assert file.read_text() == "after\n"


def test_a_file_that_is_missing_is_nothing_to_turn_over(tmp_path: Path) -> None:
    assert not bound(tmp_path / "out.log", limit=1)


def test_only_what_was_said_since_is_told(tmp_path: Path) -> None:
    file = tmp_path / "out.log"
    file.write_text("old\nnew\nnewest\n")

    assert tail(file, since=4) == "new\nnewest"
    assert last_line(file, since=4) == "newest"


def test_of_a_long_speech_the_end_is_told(tmp_path: Path) -> None:
    file = tmp_path / "out.log"
    file.write_text("a" * 10_000 + "z")

    assert tail(file, since=0) == "a" * 4_095 + "z"


def test_a_file_that_was_turned_over_meanwhile_is_read_from_its_begin(tmp_path: Path) -> None:
    file = tmp_path / "out.log"
    file.write_text("fresh")

    assert tail(file, since=1_000) == "fresh"
    assert tail(tmp_path / "none", since=0) == ""
