"""`botgraph reconcile` against a bot that runs, and against the files of one that does not."""

from functools import partial
from pathlib import Path

import pytest

from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import ScriptedBot, scripted_bot
from tests.terminal.typed_commands import Run, Said, asked
from trading_bot.domain.orders import Side

pytestmark = pytest.mark.anyio

CALM = [bar(index, "100") for index in range(300)]


@pytest.fixture
def run(typed: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(home)
    return partial(typed, "reconcile")


def counts(said: Said) -> list[list[str]]:
    return [line.split() for line in said[1].splitlines() if line.startswith(("Fills", "Live", "Positions"))]


async def test_a_running_bot_compares_and_settles(home: Path, run: Run) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.enter(proposal(target=None), "10")
        await bot.bar(2)
        agreed = await asked(bot, run)
        assert agreed[0] == 0
        assert counts(agreed) == [["Fills", "1", "1", "0"], ["Live", "orders", "0", "0", "0"], ["Positions", "1", "1"]]

        await bot.trade_by_hand(Side.BUY, "7")
        await bot.bar(2)
        differs = await asked(bot, run)
        assert differs[0] == 1
        assert "Differs: ACME: 10 here, 17 at the venue" in differs[1]

        settled = await asked(bot, run, "--adopt", "ACME", "--reason", "bought by hand")
        assert (settled[0], bot.held()) == (0, 17)


async def test_what_cannot_be_settled_is_refused_in_words(home: Path, run: Run) -> None:
    async with scripted_bot(home, CALM) as bot:
        refused = await asked(bot, run, "--ignore", "ACME", "--reason", "none of ours")

        assert refused[0] == 1
        assert refused[2].startswith("BOT_003: ")
        assert "Books and venue agree on ACME." in refused[2]


async def test_without_a_running_bot_both_files_are_compared(home: Path, run: Run) -> None:
    async with scripted_bot(home, CALM) as bot:
        await bot.enter(proposal(target=None), "10")
        await bot.bar(2)
        await bot.trade_by_hand(Side.BUY, "7")
        await bot.bar()
        _as_if_dead(bot)
    differs = run()

    assert differs[0] == 1
    assert counts(differs)[0] == ["Fills", "1", "1", "1"]
    assert "Differs: ACME: 10 here, 17 at the venue" in differs[1]
    refused = run("--adopt", "ACME", "--reason", "bought by hand")
    assert (refused[0], refused[2].splitlines()[0]) == (1, "BOT_003: The bot can't do that in its present state")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--adopt", "ACME", "--ignore", "BOLT", "--reason", "x"], "one symbol at a time"),
        (["--adopt", "ACME"], "--reason says why"),
    ],
    ids=["two", "no reason"],
)
def test_a_wrong_line_is_told_before_anything_is_read(run: Run, arguments: list[str], text: str) -> None:
    code, _, said = run(*arguments)

    assert code == 2
    assert text in said


def test_a_home_without_a_store_has_nothing_to_compare(run: Run) -> None:
    code, _, said = run()

    assert (code, said.split(":")[0]) == (1, "SYS_003")


def _as_if_dead(bot: ScriptedBot) -> None:
    """The supervisor has seen the process end."""
    from trading_bot.store import runtime  # noqa: PLC0415
    from trading_bot.store.tables import runtime as table  # noqa: PLC0415

    with bot.bot.store.writing("main") as w:
        w.connection.execute(table.update().values(last_heartbeat=None))
        runtime.mark_process_ended(w, generation=bot.bot.generation)
