"""A supervisor that runs as a process of its own, with its children, as an operator would run it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0  # seconds; on a busy machine everything takes long
T = TypeVar("T")


def until(find: Callable[[], T | None], *, seconds: float = PATIENCE) -> T:
    """What `find` finds, once it finds anything true."""
    ends = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < ends, f"not within {seconds} s: {find}"
        time.sleep(0.02)


@dataclass(kw_only=True)
class Running:
    """One `up`, and what it said."""

    process: subprocess.Popen[bytes]
    home: Path
    port: int
    out: Path
    err: Path
    seen: set[int] = field(default_factory=set)

    def says(self, text: str) -> str:
        """Everything that was said, once that holds `text`."""
        until(lambda: text in self.said() or self.process.poll() is not None)
        assert text in self.said(), f"ended with {self.process.poll()}: {self.said()}{self.complained()}"
        return self.said()

    def said(self) -> str:
        return self.out.read_text()

    def complained(self) -> str:
        return self.err.read_text()

    def child(self, name: str, *, other_than: int | None = None) -> int:
        """The pid of a child, once there is one."""
        pid = until(lambda: _other(self._noted(name), other_than))
        self.seen.add(pid)
        return pid

    def ends(self, *, seconds: float = PATIENCE) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(seconds)

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Ask it to stop: its exit code, and the seconds that took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.ends(), time.monotonic() - began

    def _noted(self, name: str) -> int | None:
        try:
            noted: dict[str, Any] = json.loads((self.home / "run" / f"{name}.json").read_text())
        except (OSError, ValueError):
            return None
        pid: int = noted["pid"]
        return pid


def _other(pid: int | None, than: int | None) -> int | None:
    return None if pid == than else pid


def lives(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextmanager
def running(
    argv: list[str], *, home: Path, port: int, environment: dict[str, str] | None = None, said: int | None = None
) -> Iterator[Running]:
    """Runs a command in a home, its stdout to the descriptor `said` if given; whatever is left of it at the end is killed."""
    home.mkdir(exist_ok=True)
    out, err = (home.parent / f"{home.name}.{os.urandom(4).hex()}.{name}" for name in ("out", "err"))
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "BOTGRAPH_HOME": str(home),
        "BOT_API_PORT": str(port),
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
        **(environment or {}),
    }
    with out.open("wb") as file, err.open("wb") as complained:
        process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=file if said is None else said,
            stderr=complained,
        )
    up = Running(process=process, home=home, port=port, out=out, err=err)
    try:
        yield up
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for name in ("bot", "api"):
            pid = up._noted(name)
            if pid is not None:
                up.seen.add(pid)
        for pid in up.seen:
            if lives(pid):
                os.kill(pid, signal.SIGKILL)


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
