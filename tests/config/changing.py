"""How tests change a configuration: as the API does, by a plan and its token."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from trading_bot.clock import Clock
from trading_bot.domain.account import TradingMode
from trading_bot.domain.commands import Caller, Intent
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import ConfigPlan
from trading_bot.domain.config_versions import ConfigPointer, StoredChange
from trading_bot.domain.errors import Scope
from trading_bot.services.config_apply import ConfigChanges
from trading_bot.services.config_plans import plan_change
from trading_bot.services.config_tokens import PlanTokens
from trading_bot.services.config_versions import import_first, latest_config
from trading_bot.services.config_views import view_of
from trading_bot.services.configuration import config_hash, config_values
from trading_bot.store import bots, config_changes, configs, runtime
from trading_bot.store.store import Store

SECRET = b"a secret of thirty-two bytes, set"


def caller(scope: Scope = Scope.ADMIN, key_id: str = "k-1") -> Caller:
    return Caller(key_id=key_id, name="tests", scope=scope, max_response_bytes=10_240, rate_per_minute=None)


def intent(key: str | None = None, *, scope: Scope = Scope.ADMIN, key_id: str = "k-1", digest: str = "d") -> Intent:
    """A write under that idempotency key, or under one that no other write has."""
    name = key or f"key-{uuid4()}"
    return Intent(caller=caller(scope, key_id), idempotency_key=name, digest=digest, reason="a test wants it")


def begun(store: Store, config: BotConfig | None = None, *, bot_id: str = "main") -> None:
    """The bot's first start: its version 1."""
    values = config_values(config or BotConfig(bot_id=bot_id))
    with store.writing(bot_id) as w:
        bots.register_bot(w, name="Demo", mode=TradingMode.PAPER, venue="paper", replay_of=None)
        runtime.begin_generation(w, pid=4242)
        import_first(w, values=values, digest=config_hash(values))


class Operator:
    """Somebody who plans a change and applies it."""

    def __init__(self, store: Store, clock: Clock, *, bot_id: str = "main") -> None:
        self.store = store
        self.bot_id = bot_id
        self.tokens = PlanTokens(SECRET, clock)
        self.changes = ConfigChanges(store=store, clock=clock, tokens=self.tokens)

    def plan(self, patch: Mapping[str, Any], *, key_id: str = "k-1") -> tuple[ConfigPlan, str]:
        """The plan of a patch, and its token."""
        with self.store.reading(self.bot_id) as r:
            base = latest_config(r)
            plan = plan_change(base, dict(patch), view_of(r))
        return plan, self.tokens.issue(bot_id=self.bot_id, base=base, values=plan.values, key_id=key_id)

    def apply(self, patch: Mapping[str, Any], *, watch_seconds: int = 0, scope: Scope = Scope.ADMIN) -> int:
        """Plan a patch and apply it; the version that it made."""
        plan, token = self.plan(patch)
        assert plan.valid, plan.errors
        return self.changes.apply(token, intent(scope=scope), watch_seconds=watch_seconds)[1]

    def rollback(self, to_version: int) -> int:
        """Go back to a version's content, confirmed; the version that it made."""
        with self.store.reading(self.bot_id) as r:
            latest = latest_config(r).version
        confirmed = Intent(
            caller=caller(),
            idempotency_key=f"key-{uuid4()}",
            digest="d",
            reason="back",
            token_id=f"ct-{uuid4()}",
        )
        return self.changes.rollback(self.bot_id, confirmed, to_version=to_version, expected_version=latest)[0]

    def values(self, version: int | None = None) -> dict[str, Any]:
        """A version's values; of the latest without a number."""
        with self.store.reading(self.bot_id) as r:
            found = configs.find_config(r, version)
        assert found is not None
        return found.values

    def change(self, version: int | None = None) -> StoredChange:
        """What has become of a version; of the latest without a number."""
        with self.store.reading(self.bot_id) as r:
            found = config_changes.find_change(r, version)
        assert found is not None
        return found

    def pointer(self) -> ConfigPointer:
        """Which version the bot trades by."""
        with self.store.reading(self.bot_id) as r:
            found = config_changes.find_pointer(r)
        assert found is not None
        return found
