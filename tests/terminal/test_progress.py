from io import StringIO

import pytest
from rich.console import Console

from graph.doors.terminal import progress


def test_progress_is_shown_where_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    monkeypatch.setattr(progress, "console", lambda **_: Console(file=screen, force_terminal=True, width=80))

    with progress.shown("Verifying") as step:
        step("orders")

    assert "Verifying" in screen.getvalue()


def test_nothing_is_shown_where_nobody_does(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.shown("Verifying") as step:
        step("orders")

    assert capsys.readouterr() == ("", "")
