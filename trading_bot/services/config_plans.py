"""Config plans: what a change of the configuration would do, found out without doing it.

The same judgement serves a patch, the content of an older version, and a file that was edited by hand. What a caller got wrong is never
raised: it stands in the plan, all of it at once.
"""

from typing import Any

from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.config import BotConfig
from trading_bot.domain.config_changes import ConfigPlan, ConfigView
from trading_bot.domain.errors import RemediationAction, SemanticError
from trading_bot.domain.loosening import loosened
from trading_bot.errors.codes import look
from trading_bot.errors.fault import Fault
from trading_bot.services.config_check import INVALID, Checked, Problem, check
from trading_bot.services.config_diff import differences
from trading_bot.services.config_effects import NEEDS_FLAT, RESTART, effects_of, risk_of, under
from trading_bot.services.config_fields import shown, value_below
from trading_bot.services.config_patch import DEEPEST, MOST_VALUES, is_deep, is_large, merged, patch_between
from trading_bot.services.config_rules import broken_rules
from trading_bot.services.config_suggestions import GONE
from trading_bot.services.configuration import config_hash, config_values, parse_config
from trading_bot.store.configs import StoredConfig


def plan_change(base: StoredConfig, patch: Any, view: ConfigView) -> ConfigPlan:
    """What the RFC 7396 merge patch would make of `base`."""
    if not isinstance(patch, dict):
        return _refused(base, view, "Expected the patch to be an object of keys to change.")
    if is_deep(patch):
        return _refused(base, view, f"Expected a patch of at most {DEEPEST} levels.")
    return plan_values(base, merged(base.values, patch), view)


def plan_values(base: StoredConfig, values: Any, view: ConfigView) -> ConfigPlan:
    """What it would do to put `values`, a whole configuration, in the place of `base`."""
    if is_deep(values):
        return _refused(base, view, f"Expected a configuration of at most {DEEPEST} levels.")
    if is_large(values):
        return _refused(base, view, f"Expected a configuration of at most {MOST_VALUES} values.")
    before = parse_config(base.values)
    checked = check(values, current=base.values, rules=lambda config: broken_rules(config, before, view))
    if checked.config is None:
        return _invalid(base, checked, view)
    return _valid(base, before, checked.config, view)


def _valid(base: StoredConfig, before: BotConfig, after: BotConfig, view: ConfigView) -> ConfigPlan:
    values = config_values(after)
    diff = differences(base.values, values)
    looser = loosened(before, after)
    risk, reasons = risk_of(before, after, diff, looser)
    return ConfigPlan(
        base_version=base.version,
        values=values,
        config_hash=config_hash(values),
        valid=True,
        errors=(),
        diff=diff,
        risk=risk,
        risk_reasons=reasons,
        effects=effects_of(before, after, diff, view),
        loosened=looser,
        restart=under(diff, RESTART),
        needs_flat=under(diff, NEEDS_FLAT),
    )


def _invalid(base: StoredConfig, checked: Checked, view: ConfigView) -> ConfigPlan:
    remedy = _corrected(base, checked)
    errors = (_error(problem, base, view, remedy if n == 0 else ()) for n, problem in enumerate(checked.problems))
    return _no_plan(base, tuple(errors))


def _refused(base: StoredConfig, view: ConfigView, cause: str) -> ConfigPlan:
    return _no_plan(base, (Fault(INVALID, cause, context={"field": shown(())}).semantic(now=view.now),))


def _no_plan(base: StoredConfig, errors: tuple[SemanticError, ...]) -> ConfigPlan:
    return ConfigPlan(
        base_version=base.version,
        values=base.values,
        config_hash=base.config_hash,
        valid=False,
        errors=errors,
        diff=(),
        risk=RiskLevel.LOW,
        risk_reasons=(),
        effects=("Nothing would change: the change is not valid.",),
        loosened=(),
        restart=(),
        needs_flat=(),
    )


def _error(
    problem: Problem, base: StoredConfig, view: ConfigView, actions: tuple[RemediationAction, ...]
) -> SemanticError:
    current: Any = base.values
    for part in problem.path:
        current = value_below(current, part)
    suggestion = {"remove": True} if problem.suggestion is GONE else {"suggestion": problem.suggestion}
    context = {"field": shown(problem.path), "value": problem.value, "allowed": problem.allowed, "current": current}
    return Fault(problem.code, problem.cause, context={**context, **suggestion}, actions=actions).semantic(now=view.now)


def _corrected(base: StoredConfig, checked: Checked) -> tuple[RemediationAction, ...]:
    """The change with every suggestion taken, ready to plan; nothing where that would change nothing, or not be valid either."""
    if not checked.is_mended:
        return ()
    patch = patch_between(base.values, config_values(parse_config(checked.mended)))
    return (look("Plan the change with the suggestions taken", "configPlan", patch=patch),) if patch else ()
