"""Config apply: takes a change of the configuration in, once, as a new version that the bot is asked to adopt.

Intent, version, step, log line and command are one transaction. A change is planned again in it, on what the store holds at that moment: a
base version that has moved is a conflict, and a risk that has risen needs the scope that it needs now.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from trading_bot.clock import Clock
from trading_bot.domain.commands import ActionPreview, Intent
from trading_bot.domain.config_changes import ConfigPlan
from trading_bot.domain.config_versions import ADOPT_WITHIN, LONGEST_WATCH, ConfigOrigin
from trading_bot.domain.records import record_of
from trading_bot.errors.fault import Fault
from trading_bot.services import intents
from trading_bot.services.config_diff import differences
from trading_bot.services.config_plans import plan_values
from trading_bot.services.config_tokens import PlanTokens, claim_of, not_good
from trading_bot.services.config_versions import NewVersion, latest_config, undo, write_version
from trading_bot.services.config_views import view_of
from trading_bot.store import bots, commands, config_changes, configs
from trading_bot.store.configs import StoredConfig
from trading_bot.store.store import Reading, Store, Writing

_SHOWN = 20
"""Differences that a conflict names."""


class InvalidChange(Exception):  # noqa: N818 - it carries what a plan found, and is answered with that
    """A change that is not valid any more; nothing was written. `plan` holds what was found."""

    def __init__(self, plan: ConfigPlan) -> None:
        super().__init__(f"{len(plan.errors)} problems")
        self.plan = plan


class ConfigChanges:
    """Takes changes of the configuration in, each once by its idempotency key."""

    def __init__(self, *, store: Store, clock: Clock, tokens: PlanTokens) -> None:
        self._store = store
        self._clock = clock
        self._tokens = tokens

    def apply(self, plan_token: str, intent: Intent, *, watch_seconds: int) -> tuple[str, int, bool]:
        """Write what the token holds as the next version: the bot, the version, and true when the same was asked for before.

        Raises QRY_009 for a token that is none, expired, was used or is somebody else's, QRY_004 for a watch outside 0 to 3600 s, QRY_007
        for a key that stands for something else, CFG_007 when the base version has moved, CFG_008 while another change is watched,
        CFG_010 when nothing would change, InvalidChange when it is not valid now, AUTH_002 for a key of too small a scope.
        """
        if not 0 <= watch_seconds <= LONGEST_WATCH:
            cause = f"Expected `watchSeconds` of 0 to {LONGEST_WATCH}, was {watch_seconds}."
            raise Fault("QRY_004", cause, context={"field": "watchSeconds", "max": LONGEST_WATCH})
        claim = claim_of(plan_token)

        def change(w: Writing) -> tuple[Intent, NewVersion, ConfigPlan]:
            base = configs.find_config(w, claim.base_version)
            sealed = self._tokens.open(claim, base=base, key_id=intent.caller.key_id)
            if commands.is_token_used(w, sealed.token_id):
                raise not_good("The plan token was used for another write; each is good for one.")
            latest = _require_base(w, claim.base_version)
            _require_unwatched(w)
            plan = _planned(w, latest, sealed.values)
            new = NewVersion(
                values=plan.values,
                diff=plan.diff,
                origin=ConfigOrigin.APPLY,
                user=intent.caller.key_id,
                reason=intent.reason,
                watch_seconds=watch_seconds,
            )
            return replace(intent, token_id=sealed.token_id), new, plan

        version, replayed = self._write(claim.bot_id, intent, change)
        return claim.bot_id, version, replayed

    def rollback(self, bot_id: str, intent: Intent, *, to_version: int, expected_version: int) -> tuple[int, bool]:
        """Write the content of an old version as the next one: its version, and true when the same was asked for before.

        It interrupts a change that is being watched. Raises BOT_001, QRY_005 for a version that there is not, and what `apply` raises; by
        the risk that it has now QRY_008 without the confirm token that risk HIGH needs, QRY_009 with a bad one.
        """

        def change(w: Writing) -> tuple[Intent, NewVersion, ConfigPlan]:
            plan = _rollback_plan(w, to_version, expected_version)
            new = NewVersion(
                values=plan.values,
                diff=plan.diff,
                origin=ConfigOrigin.ROLLBACK,
                user=intent.caller.key_id,
                reason=intent.reason,
            )
            return intent, new, plan

        return self._write(bot_id, intent, change, undoes=to_version)

    def preview_rollback(self, bot_id: str, *, to_version: int, expected_version: int) -> ActionPreview:
        """What the rollback would do now, without doing it. Raises what `rollback` raises, but for what concerns keys and tokens."""
        with self._store.reading(bot_id) as r:
            _require_bot(r)
            plan = _rollback_plan(r, to_version, expected_version)
        effects = (*plan.risk_reasons, *plan.effects)
        changed = ", ".join(difference.path for difference in plan.diff[:5])
        left = f" and {len(plan.diff) - 5} more" if len(plan.diff) > 5 else ""  # noqa: PLR2004 - as many as above
        return ActionPreview(
            summary=f"The content of version {to_version} becomes a new version: {changed}{left} change.",
            effects=effects[:_SHOWN],
            risk=plan.risk,
            confirm_token=None,
            expires_at=None,
        )

    def _write(
        self,
        bot_id: str,
        intent: Intent,
        change: Callable[[Writing], tuple[Intent, NewVersion, ConfigPlan]],
        *,
        undoes: int | None = None,
    ) -> tuple[int, bool]:
        with self._store.writing(bot_id) as w:
            _require_bot(w)
            known = intents.carried_out(w, intent)
            if known is not None:
                return _version_of(w, known), True
            confirmed, new, plan = change(w)
            latest = latest_config(w)
            intents.record(
                w, confirmed, risk=plan.risk, subject_id=config_changes.change_id(w.bot_id, latest.version + 1)
            )
            written = write_version(w, new)
            if undoes is not None:
                undo(w, range(undoes + 1, written.version), by=written.version)
            return written.version, False


def _rollback_plan(r: Reading, to_version: int, expected_version: int) -> ConfigPlan:
    latest = _require_base(r, expected_version)
    goal = configs.find_config(r, to_version)
    if goal is None or to_version < 1:
        raise Fault("QRY_005", f"There is no version {to_version}.", context={"toVersion": to_version})
    return _planned(r, latest, goal.values)


def _planned(r: Reading, latest: StoredConfig, values: dict[str, Any]) -> ConfigPlan:
    plan = plan_values(latest, values, view_of(r))
    if not plan.valid:
        raise InvalidChange(plan)
    if not plan.diff:
        raise Fault("CFG_010", f"Version {latest.version} is that already.", context={"version": latest.version})
    return plan


def _require_base(r: Reading, version: int) -> StoredConfig:
    """The latest version, which has to be the one that the change was made against."""
    latest = latest_config(r)
    if latest.version == version:
        return latest
    base = configs.find_config(r, version)
    if base is None:
        raise Fault("QRY_005", f"There is no version {version}.", context={"version": version})
    changed = [record_of(one) for one in differences(base.values, latest.values)]
    context = {
        "base_version": version,
        "version": latest.version,
        "changed": [{name: one[name] for name in ("path", "before", "after")} for one in changed[:_SHOWN]],
        "changes": len(changed),
    }
    cause = f"The change was made against version {version}; version {latest.version} is the latest."
    raise Fault("CFG_007", cause, context=context)


def _require_unwatched(r: Reading) -> None:
    latest = config_changes.find_change(r)
    if latest is None:
        return
    if latest.watched_until is not None:
        until = latest.watched_until
    elif latest.is_waiting and latest.watch_seconds:
        until = latest.timestamp + ADOPT_WITHIN + timedelta(seconds=latest.watch_seconds)
    else:
        return
    after = max((until - r.now).total_seconds(), 1.0)
    context = {"version": latest.version, "until": until.isoformat()}
    raise Fault("CFG_008", f"Version {latest.version} is being watched.", after_seconds=after, context=context)


def _require_bot(r: Reading) -> None:
    if bots.find_bot(r) is None:
        raise Fault("BOT_001", f"No bot `{r.bot_id[:40]}` is in the store.", context={"botId": r.bot_id[:40]})


def _version_of(r: Reading, change_id: str) -> int:
    """The version that the first write made."""
    first = config_changes.find_change_of_id(r, change_id)
    if first is None:
        raise Fault("SYS_001", "The first write's record is missing.", context={"changeId": change_id})
    return first.version
