"""Processes: one program run to its end, which takes everything that it started with it, however it ends."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

MAX_OUTPUT = 16_384
"""Bytes of each stream that are kept; what comes beyond is read and dropped."""
DRAIN_SECONDS = 1.0
"""How long output is waited for once the program has ended."""
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What came of a program."""

    code: int
    """Exit code; negative for the signal that ended it."""
    out: str
    """The beginning of what it said."""
    err: str
    """The beginning of what it said on its other stream."""
    is_cut: bool
    """Whether it said more."""


async def run_to_end(argv: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Ended:
    """Run a program without a shell and wait for its end. Raises OSError where it can't be started.

    When the waiting is cancelled, the program and its process group are killed first. The pipes are our own: with asyncio's, the end of a
    program would wait for whatever it left behind.
    """
    out, err = await _Heard.opened(), await _Heard.opened()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out.end,
            stderr=err.end,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
    finally:
        os.close(out.end)
        os.close(err.end)
    try:
        code = await process.wait()
    finally:
        with suppress(ProcessLookupError):  # also after its end: nothing that it left behind in its group runs on
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
        await asyncio.wait([out.filling, err.filling], timeout=DRAIN_SECONDS)
        out.close()
        err.close()
    return Ended(code=code, out=out.text, err=err.text, is_cut=out.is_cut or err.is_cut)


@dataclass(slots=True, kw_only=True)
class _Heard:
    """The beginning of what comes through a pipe."""

    end: int
    """The end that the program writes to."""
    transport: asyncio.BaseTransport
    filling: "asyncio.Task[None]" = field(init=False)
    kept: bytearray = field(default_factory=bytearray)
    is_cut: bool = False

    @classmethod
    async def opened(cls) -> "_Heard":
        """A new pipe, listened to."""
        read, write = os.pipe()
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", buffering=0)
        )
        heard = cls(end=write, transport=transport)
        heard.filling = asyncio.create_task(heard._fill(reader))
        return heard

    async def _fill(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(_CHUNK):
            room = MAX_OUTPUT - len(self.kept)
            self.kept += chunk[:room]
            self.is_cut = self.is_cut or len(chunk) > room

    def close(self) -> None:
        """Listen no more."""
        self.filling.cancel()
        self.transport.close()

    @property
    def text(self) -> str:
        return self.kept.decode("utf-8", "replace").replace("\0", "\ufffd")
