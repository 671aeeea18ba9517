import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from trading_bot.supervision.program import Program, cleaned, forget, lives, read_note, write_note


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(
        name="bot",
        argv=("python", "-m", "trading_bot"),
        environment={"PATH": "/bin", "BOT_API_PORT": "8000"},
        release="1.0",
        output=tmp_path / "bot.out.log",
        note=tmp_path / "bot.json",
    )


def test_a_child_sees_the_settings_and_nothing_private_of_the_shell() -> None:
    shell = {
        "PATH": "/bin",
        "HOME": "/nowhere",
        "LANG": "C",
        "LC_ALL": "C",
        "TZ": "UTC",
        "BOT_API_PORT": "1",
        "BOTGRAPH_HOME": "h",
        "PGPASSFILE": "p",
        "AWS_SECRET_ACCESS_KEY": "s",
        "PYTHONPATH": "x",
        "LD_PRELOAD": "y",
        "BOTTLE": "z",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.example",
    }

    assert sorted(cleaned(shell)) == [
        "BOTGRAPH_HOME",
        "BOT_API_PORT",
        "HOME",
        "LANG",
        "LC_ALL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "PATH",
        "PGPASSFILE",
        "TZ",
    ]


def test_a_note_finds_the_process_again(program: Program) -> None:
    write_note(program, os.getpid(), started_at=12.5)

    note = read_note(program)

    assert note is not None
    assert (note.pid, note.started_at, note.digest) == (os.getpid(), 12.5, program.digest)
    assert lives(note)


def test_a_pid_that_is_somebody_elses_by_now_is_not_taken_for_the_process(program: Program) -> None:
    write_note(program, os.getpid(), started_at=12.5)
    note = read_note(program)
    assert note is not None

    assert not lives(replace(note, start_ticks=note.start_ticks - 1))
    assert not lives(replace(note, boot="another boot of this machine"))
    assert not lives(replace(note, pid=2**22 + 1))


@pytest.mark.parametrize("content", ["", "{", "[]", "7", json.dumps({"pid": 1}), "\x00\xff"])
def test_a_note_that_is_not_whole_counts_as_none(content: str, program: Program) -> None:
    program.note.write_text(content)

    assert read_note(program) is None


def test_a_forgotten_process_is_not_found(program: Program) -> None:
    write_note(program, os.getpid(), started_at=12.5)

    forget(program)
    forget(program)

    assert read_note(program) is None


def test_another_setting_command_or_release_makes_another_digest(program: Program) -> None:
    others = [
        replace(program, environment={**program.environment, "BOT_API_PORT": "8001"}),
        replace(program, argv=("python", "-m", "graph")),
        replace(program, release="1.1"),
    ]
    elsewhere = replace(program, environment={**program.environment, "LANG": "de"}, output=Path("other"))

    assert program.digest not in {other.digest for other in others}
    assert program.digest == elsewhere.digest
