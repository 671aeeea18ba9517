"""The terminal, in this process."""

import sys

import pytest

from graph.doors import terminal
from tests.terminal.typed_commands import Run, Said


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `botgraph`: exit code, stdout and stderr, in which there is never a traceback."""

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["botgraph", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            terminal.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return int(ended.value.code or 0), said.out, said.err

    return run
