"""Limits: how long the supervisor waits for what, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long the supervisor waits for what, in seconds of the machine's clock, and how often it tries."""

    heartbeat: float = 60.0
    """A bot whose heartbeat is older than this, while its process lives, is killed and restarted."""
    heartbeat_every: float = 1.0
    """Pause between two looks at the heartbeat."""
    answer: float = 30.0
    """An API that has not answered `/livez` for this long, while its process lives, is killed and restarted."""
    answer_every: float = 10.0
    """From one call of `/livez` to the next, and the longest that one may take."""
    stop: float = 4.5
    """From SIGTERM to SIGKILL; with what remains to be done, both processes are gone within 5 s."""
    first_delay: float = 0.2
    """Before the first restart; each further one waits twice as long."""
    longest_delay: float = 60.0
    """No restart waits longer than this."""
    settled: float = 30.0
    """A process that lived this long starts again with the first delay."""
    crash_loop: int = 6
    """Ends in a row, none of them of a process that lived long enough to be settled, after which the bot is held down."""
    commands_every: float = 0.25
    """Pause between two looks for commands to the supervisor."""
    verify: float = 60.0
    """A process that was started by command, and gives no sign of life within this time, counts as failed."""
    slow_start: float = 15.0
    """When nothing answers after this long, the operator is told where to look."""
    output_bytes: int = 10_000_000
    """A log file of a child's output is turned over beyond this size."""


@dataclass(slots=True, kw_only=True)
class Delay:
    """The growing pause before a restart."""

    limits: Limits
    next: float = 0.0
    in_a_row: int = 0

    def after(self, *, lived: float) -> float:
        """Seconds to wait now that a process has ended which lived for `lived` seconds."""
        if lived >= self.limits.settled or not self.next:
            self.next, self.in_a_row = self.limits.first_delay, 0
        self.in_a_row += 1
        now, self.next = self.next, min(self.next * 2, self.limits.longest_delay)
        return now

    def begin_anew(self) -> None:
        """Something was changed: what happened before tells nothing about the next start."""
        self.next, self.in_a_row = 0.0, 0
