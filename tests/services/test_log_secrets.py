"""Markers fed in wherever a secret or the account's name can come from; none of them is ever in a log."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.application_log import logged_to
from tests.fakes.scripted import bar, proposal
from tests.fakes.scripted_bot import PLAIN, ScriptedBot, scripted_bot
from trading_bot.domain.account import Account
from trading_bot.domain.config import BotConfig
from trading_bot.domain.decider import Decider
from trading_bot.logs.secrets import secrets_of
from trading_bot.settings import load_settings
from trading_bot.venues.venue import Rejected

pytestmark = pytest.mark.anyio

MARKERS = {
    "token": "MARKER-token-of-the-operator",
    "first key": "MARKER-bg-first-key",
    "confirm secret": "MARKER-confirm-secret",
    "model key": "MARKER-model-key",
    "account": "MARKER-5QR71234",
    "password": "MARKER-password",
}
RISES = [bar(index, "100") for index in range(20)]


def logs_of(home: Path) -> dict[str, str]:
    """Every file of the logs folder, and what the bot's process would print."""
    return {path.name: path.read_text() for path in sorted((home / "logs").rglob("*")) if path.is_file()}


async def test_no_secret_and_no_account_name_is_ever_in_a_log(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = " | ".join(MARKERS.values())
    monkeypatch.setenv("BOT_API_AUTH_TOKEN", MARKERS["token"])
    monkeypatch.setenv("BOT_MODEL_KEY", MARKERS["model key"])
    monkeypatch.setenv("BOTGRAPH_STORE_URL", postgres_url.replace("postgres:@", f"postgres:{MARKERS['password']}@"))
    (home / "keys").mkdir()
    (home / "keys" / "admin.key").write_text(MARKERS["first key"])
    (home / "keys" / "confirm.key").write_text(MARKERS["confirm secret"])

    def named(account: Account) -> Account:
        return replace(account, account_id=MARKERS["account"])

    def refused(outcome: object) -> Rejected:
        return Rejected(code="ORD_001", reason=f"refused for {everything}")

    def broken(fills: object) -> Any:
        raise RuntimeError(f"the driver says: {everything}")

    config = BotConfig(strategies=(), venue=PLAIN, decider=Decider(key="env:BOT_MODEL_KEY"))
    settings = load_settings()
    settings.make_folders()
    secrets = secrets_of(settings)
    with logged_to(settings.logs_dir / "trading_bot.log", secrets):
        async with scripted_bot(home, RISES, config=config, tampering={"account": named}, secrets=secrets) as bot:
            await trade(bot, refused=refused, broken=broken, everything=everything)

    found = logs_of(home)
    lines = "".join(found.values())
    assert {"trading_bot.log"} < found.keys()
    assert lines.count("[hidden]") > 10
    assert '"account_id":null' in lines
    assert [(name, label) for name, text in found.items() for label, marker in MARKERS.items() if marker in text] == []
    assert "MARKER" not in lines


async def trade(
    bot: ScriptedBot, *, refused: Callable[[Any], Any], broken: Callable[[Any], Any], everything: str
) -> None:
    """An entry that fills, one that the venue refuses with all it knows, and a read that fails in the driver's words."""
    await bot.bar()
    await bot.enter(proposal(target=None))
    await bot.bar(2)
    bot.venue.tampering["place"] = refused
    await bot.enter(replace(proposal(symbol="ACME", target=None), reasoning=everything))
    bot.venue.tampering["fills_since"] = broken
    await bot.bar(3)
    assert bot.books.account is not None
    assert bot.books.account.account_id == MARKERS["account"]
    assert [error.context["venue_text"][:11] for error in bot.errors("ORD_001")] == ["refused for"]
