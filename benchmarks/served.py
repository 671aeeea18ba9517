"""Served: a server in a process of its own, pinned to the first core, with the CPU time that it used."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that answers."""

    port: int
    """Where, on 127.0.0.1."""
    pid: int
    """Its process."""
    started_seconds: float
    """From the start of the process to the first answer."""

    def cpu_seconds(self) -> float:
        """CPU time used so far, all threads, by the scheduler's account."""
        tasks = Path(f"/proc/{self.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def resident_bytes(self) -> int:
        """Memory in use now."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(module: str, environment: dict[str, str], *, port: int, path: str = "/livez") -> Iterator[Served]:
    """`python -m module` until the block ends; it must answer `path` on `port` within 30 s."""
    begun = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {0}),  # noqa: PLW1509 - single-threaded here
    )
    try:
        while not _answers(port, path):
            if child.poll() is not None or time.monotonic() - begun > PATIENCE_SECONDS:
                msg = f"{module} did not answer {path} on port {port}."
                raise RuntimeError(msg)
            time.sleep(0.01)
        os.sched_setaffinity(0, {(os.cpu_count() or 1) - 1})
        yield Served(port=port, pid=child.pid, started_seconds=time.monotonic() - begun)
    finally:
        os.sched_setaffinity(0, set(range(os.cpu_count() or 1)))
        child.terminate()
        child.wait(PATIENCE_SECONDS)


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            return b" 200 " in connection.recv(64)
    except OSError:
        return False
