"""A process that has everything imported and forks a bot whenever it is asked: a start costs milliseconds instead of a second.

Client and server speak in lines of JSON: ["start", moments, environment] gives a pid, ["poll", pid] its exit code, or null while it runs.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.01


class ForkedBot:
    """One bot's process."""

    def __init__(self, server: "ForkServer", pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server

    def poll(self) -> int | None:
        """Its exit code (below zero: the signal that ended it); null while it runs."""
        if self.returncode is None:
            self.returncode = self._server.ask("poll", self.pid)
        return self.returncode

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, patience: float, *, kill_after: float | None = None) -> int:
        """Wait for its end, and bring it about from outside after that many seconds."""
        begun = time.monotonic()
        while (code := self.poll()) is None:
            waited = time.monotonic() - begun
            assert waited < patience, f"the bot neither died nor came to its end in {patience:.0f} s"
            if kill_after is not None and waited > kill_after:
                self.kill()
            time.sleep(_POLL_SECONDS)
        return code


class ForkServer:
    """Starts bots, each with `run` of the named module; ends them and itself with the block."""

    def __init__(self, module: str = "tests.fakes.killed_bot") -> None:
        self._module = module

    def __enter__(self) -> Self:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.fakes.fork_server", self._module]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._started: list[ForkedBot] = []
        return self

    def start(self, moments: int, environment: dict[str, str]) -> ForkedBot:
        """The bot in a process of its own, to be killed at the given moment (0: never)."""
        bot = ForkedBot(self, self.ask("start", moments, environment))
        self._started.append(bot)
        return bot

    def ask(self, *request: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: int = json.loads(self._process.stdout.readline())
        return answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bot in self._started:
            if bot.poll() is None:
                bot.kill()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def serve(module: str) -> None:
    """Answer until nobody asks any more."""
    run = importlib.import_module(module).run

    for line in sys.stdin:
        request, *arguments = json.loads(line)
        if request == "poll":
            pid, status = os.waitpid(arguments[0], os.WNOHANG)
            _say(os.waitstatus_to_exitcode(status) if pid else None)
            continue
        pid = os.fork()
        if pid == 0:
            sys.stdout = sys.stderr
            code = 1
            try:
                code = run(*arguments)
            except BaseException:  # noqa: BLE001 - the test shows what the process says
                traceback.print_exc()
            finally:
                os._exit(code)
        _say(pid)


def _say(answer: int | None) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(sys.argv[1])
