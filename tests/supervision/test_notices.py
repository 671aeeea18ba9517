import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from trading_bot.supervision.notices import Notices


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.setblocking(False)  # noqa: FBT003 - socket's own argument
        yield receiver


def test_each_notice_is_one_datagram_of_lines(tmp_path: Path, listening: socket.socket) -> None:
    address = str(tmp_path / "s")
    listening.bind(address)
    notices = Notices({"NOTIFY_SOCKET": address})
    notices.ready("Bot and API run")
    notices.say("two\nlines")
    notices.alive()
    notices.stopping()

    heard = [listening.recv(4096).decode() for _ in range(4)]
    assert heard == [
        "READY=1\nSTATUS=Bot and API run",
        "STATUS=two lines",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=Stopping bot and API",
    ]


def test_a_name_without_a_file_is_reached(listening: socket.socket) -> None:
    listening.bind("")  # the system chooses one
    name = listening.getsockname()
    Notices({"NOTIFY_SOCKET": "@" + name[1:].decode()}).alive()

    assert listening.recv(4096) == b"WATCHDOG=1"


def test_without_a_manager_or_with_one_that_has_gone_nothing_happens(tmp_path: Path) -> None:
    Notices({}).ready("x")
    Notices({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready("x")
    Notices({"NOTIFY_SOCKET": "/" + "x" * 300}).ready("x")

    assert list(tmp_path.iterdir()) == []


def test_a_manager_that_does_not_read_delays_nobody(tmp_path: Path, listening: socket.socket) -> None:
    address = str(tmp_path / "s")
    listening.bind(address)
    notices = Notices({"NOTIFY_SOCKET": address})
    for _ in range(2_000):  # far more than a socket holds
        notices.alive()

    assert listening.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "often"}, None),
        ({}, None),
    ],
)
def test_signs_of_life_are_due_as_the_manager_says(variables: dict[str, str], expected: float | None) -> None:
    assert Notices({"NOTIFY_SOCKET": "/tmp/x", **variables}).watchdog_seconds == expected
    assert Notices(variables).watchdog_seconds is None
