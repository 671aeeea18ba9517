"""Program: what the supervisor may run, and the note about the process that runs it."""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# What a child needs of our environment: the machine's settings, the product's own, the database driver's, where
# traces go, and the measuring of test coverage across processes.
KEPT = ("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
KEPT_PREFIXES = ("BOT_", "BOTGRAPH_", "LC_", "PG", "OTEL_", "COVERAGE_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One of the fixed commands that are run as children. There is no shell."""

    name: str
    """bot or api."""
    argv: tuple[str, ...]
    """The command."""
    environment: Mapping[str, str]
    """All of its environment."""
    niceness: int = 0
    """0 to 19; higher yields to others."""
    release: str
    """Version of BotGraph: a process of another one is not taken over."""
    output: Path
    """What it prints is appended here."""
    note: Path
    """Where its process is noted, so that a later supervisor finds it."""

    @property
    def digest(self) -> str:
        """The same for the same release, command and settings, whatever terminal they come from."""
        settings = sorted(item for item in self.environment.items() if item[0].startswith("BOT"))
        content = json.dumps([self.release, self.argv, settings])
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Which process ran a program, beyond doubt: a pid alone may by now be somebody else's."""

    pid: int
    """Its process id."""
    boot: str
    """Id of the machine's boot during which it started."""
    start_ticks: int
    """When it started, in clock ticks since that boot."""
    started_at: float
    """When it started, in seconds of the wall clock since 1970."""
    digest: str
    """The program's digest."""


def cleaned(environment: Mapping[str, str]) -> dict[str, str]:
    """What of `environment` a child may see."""
    return {
        name: value for name, value in environment.items() if name in KEPT or name.upper().startswith(KEPT_PREFIXES)
    }


def write_note(program: Program, pid: int, *, started_at: float) -> None:
    """Note the process that runs the program; where the system doesn't tell when a process started, there is no note."""
    ticks = start_ticks(pid)
    if ticks is None:
        return
    note = {
        "pid": pid,
        "boot": _boot(),
        "start_ticks": ticks,
        "started_at": started_at,
        "digest": program.digest,
    }
    part = program.note.with_suffix(".part")
    part.write_text(json.dumps(note))
    part.replace(program.note)


def read_note(program: Program) -> Note | None:
    """The note about the program's last process, which may have ended; None where there is none."""
    with suppress(OSError, ValueError, TypeError):
        return Note(**json.loads(program.note.read_text()))
    return None


def lives(note: Note) -> bool:
    """Whether the process that the note is about still exists."""
    return note.boot == _boot() and start_ticks(note.pid) == note.start_ticks


def forget(program: Program) -> None:
    """Remove the note, once the process has ended."""
    with suppress(OSError):  # a note about a process that is gone does no harm
        program.note.unlink()


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since the machine's boot; None where there is no such process, or no `/proc`."""
    try:
        content = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field is the program's name in parentheses and may hold anything; the start is the twentieth after it.
    return int(content.rpartition(")")[2].split()[19])


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return os.uname().nodename
