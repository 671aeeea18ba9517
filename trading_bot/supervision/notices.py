"""Notices: what a service manager is told over its socket: that all runs, that all ends, and that we are still there.

The protocol is one datagram of `NAME=value` lines to the socket that NOTIFY_SOCKET names (sd_notify(3)); without the variable nothing is
sent. The variables are never handed on: a child must not speak for the supervisor.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

MICROSECONDS = 1_000_000


class Notices:
    """Tells a service manager, if there is one. Nothing is ever raised: it must not end what trades."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of a name that is in no file system.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_seconds = _watchdog(environment) if address else None
        """A sign of life is due at least this often; null where none is."""

    def ready(self, status: str) -> None:
        """All runs."""
        self._send("READY=1", f"STATUS={status}")

    def say(self, status: str) -> None:
        """What an operator reads in `systemctl status`."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """We are not hung."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """All ends."""
        self._send("STOPPING=1", "STATUS=Stopping bot and API")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        message = "\n".join(line.replace("\n", " ") for line in lines).encode(errors="replace")
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            sender.sendto(message, self._address)


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """How often a sign of life is expected, if it is of us."""
    expected = environment.get("WATCHDOG_USEC", "")
    whose = environment.get("WATCHDOG_PID", "")
    if not expected.isdecimal() or int(expected) == 0 or (whose and whose != str(os.getpid())):
        return None
    return int(expected) / MICROSECONDS
