"""Silence: how long a sign of life has not changed."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Silence:
    """How long a process has given no new sign of life.

    It counts from when we last saw a new one, by a clock that never jumps: when the machine slept, or its wall clock was set, a
    heartbeat's own time tells nothing about the process.
    """

    pid: int | None = None
    sign: object = None
    since: float = 0.0

    def seconds(self, *, pid: int, sign: object, at: float) -> float:
        """Seconds of silence of the process `pid` at `at` (monotonic), having last seen `sign`."""
        if pid != self.pid or sign != self.sign:
            self.pid, self.sign, self.since = pid, sign, at
        return at - self.since
