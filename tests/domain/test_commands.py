from tests.domain.samples import NOON
from trading_bot.domain.commands import (
    Addressee,
    Caller,
    Command,
    CommandKind,
    CommandStatus,
    Intent,
    RiskLevel,
    StopPolicy,
)
from trading_bot.domain.errors import Scope


def test_the_words_of_commands_are_the_published_ones() -> None:
    """They stand in clients' documents, in the store and in the log: none may change or go."""
    assert [kind.value for kind in CommandKind] == [
        "PAUSE",
        "RESUME",
        "START",
        "STOP",
        "CLOSE_POSITIONS",
        "CANCEL_ORDERS",
        "RESET_BREAKER",
        "ADOPT_CONFIG",
        "RESTART_PROCESS",
        "RECONCILE",
        "BACKUP",
        "EXPORT",
        "UPDATE_TARGETS",
    ]
    assert [status.value for status in CommandStatus] == [
        "PENDING",
        "RUNNING",
        "DONE",
        "FAILED",
        "EXPIRED",
        "UNKNOWN",
    ]
    assert [policy.value for policy in StopPolicy] == ["KEEP_EVERYTHING", "CANCEL_ORDERS", "FLATTEN"]
    assert [risk.value for risk in RiskLevel] == ["LOW", "MEDIUM", "HIGH"]
    assert [addressee.value for addressee in Addressee] == ["bot", "supervisor", "worker"]


def test_an_intent_needs_no_token_unless_one_is_asked_for() -> None:
    caller = Caller(key_id="k-1", name="operator", scope=Scope.OPERATE, max_response_bytes=10_240, rate_per_minute=100)

    intent = Intent(caller=caller, idempotency_key="lunch", digest="0" * 64, reason="Lunch.")

    assert intent.token_id is None


def test_a_stored_command_has_no_outcome_until_it_ended() -> None:
    asked = Command(
        id="c-1",
        bot_id="main",
        kind=CommandKind.PAUSE,
        status=CommandStatus.PENDING,
        user="k-1",
        reason="Lunch.",
        parameters={},
        created_at=NOON,
        executed_at=None,
        outcome=None,
        error=None,
    )

    assert (asked.executed_at, asked.outcome, asked.error) == (None, None, None)
