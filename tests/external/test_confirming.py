"""hypothesis tries dry run, confirm, replay and waiting in any order: each write happens once, and only as it was shown."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.api.client import Api
from tests.api.test_writes import stored
from trading_bot.domain.errors import Scope

STOP = """mutation($input: BotStopInput!) { botStop(input: $input) {
  command { id } preview { risk confirmToken } errors { errorCode } replayed
} }"""
GOOD_FOR = timedelta(seconds=120)
REASONS = st.sampled_from(["the desk closes", "a test"])
CALLERS = st.sampled_from([0, 1])


@dataclass(slots=True, kw_only=True)
class Token:
    """What a dry run gave."""

    text: str
    reason: str
    caller: int
    given_at: datetime
    is_used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A write that was carried out."""

    key: str
    reason: str
    caller: int
    command: str


class Confirming(RuleBasedStateMachine):
    """Two admin keys that stop one bot, and what must come of it."""

    tokens = Bundle("tokens")
    writes = Bundle("writes")

    def __init__(self, api: Api, callers: list[str], numbers: Iterator[int], seen: set[str]) -> None:
        super().__init__()
        self.api = api
        self.callers = callers
        self.numbers = numbers
        self.seen = seen
        self.before = len(stored(api))
        self.done = 0

    @rule(target=tokens, reason=REASONS, caller=CALLERS)
    def dry_run(self, reason: str, caller: int) -> Token:
        payload = self._send(caller, reason, self._key(), dryRun=True)["data"]["botStop"]
        assert (payload["command"], payload["preview"]["risk"]) == (None, "HIGH")
        return Token(
            text=payload["preview"]["confirmToken"], reason=reason, caller=caller, given_at=self.api.clock.now()
        )

    @rule(target=writes, token=tokens, reason=REASONS, caller=CALLERS)
    def confirm(self, token: Token, reason: str, caller: int) -> Done | None:
        is_fresh = self.api.clock.now() - token.given_at < GOOD_FOR
        is_good = is_fresh and not token.is_used and (reason, caller) == (token.reason, token.caller)
        key = self._key()
        answer = self._send(caller, reason, key, confirmToken=token.text)
        if not is_good:
            assert codes(answer) == ["QRY_009"]
            return None
        token.is_used = True
        self.done += 1
        self.seen.add("done")
        assert answer["data"]["botStop"]["replayed"] is False
        return Done(key=key, reason=reason, caller=caller, command=answer["data"]["botStop"]["command"]["id"])

    @rule(reason=REASONS, caller=CALLERS)
    def write_without_a_token(self, reason: str, caller: int) -> None:
        assert codes(self._send(caller, reason, self._key())) == ["QRY_008"]

    @rule(token=tokens, caller=CALLERS, at=st.integers(0, 200), sign=st.sampled_from("Aa-_ é"))
    def forge(self, token: Token, caller: int, at: int, sign: str) -> None:
        at %= len(token.text)
        forged = token.text[:at] + sign + token.text[at:]
        assert codes(self._send(caller, token.reason, self._key(), confirmToken=forged)) == ["QRY_009"]

    @rule(write=writes, reason=REASONS, token=st.none() | st.just("left over"))
    def replay(self, write: Done | None, reason: str, token: str | None) -> None:
        if write is None:
            return
        answer = self._send(write.caller, reason, write.key, confirmToken=token)
        if reason != write.reason:
            assert codes(answer) == ["QRY_007"]
            return
        self.seen.add("replayed")
        payload = answer["data"]["botStop"]
        assert (payload["replayed"], payload["command"]["id"]) == (True, write.command)

    @rule(seconds=st.sampled_from([1, 60, 119, 120, 3_600]))
    def wait(self, seconds: int) -> None:
        self.api.clock.advance(seconds)

    @invariant()
    def each_write_happened_once(self) -> None:
        assert len(stored(self.api)) == self.before + self.done

    def _send(self, caller: int, reason: str, key: str, **rest: Any) -> Any:
        given = {"reason": reason, "idempotencyKey": key, "onStop": "FLATTEN", **rest}
        answer = self.api.post(STOP, {"input": given}, token=self.callers[caller]).json()
        self.seen.update(codes(answer))
        return answer

    def _key(self) -> str:
        """An idempotency key that nothing was sent with."""
        return f"k{next(self.numbers)}"


def test_a_write_happens_once_and_only_as_it_was_shown(api: Api) -> None:
    callers = [api.key(Scope.ADMIN), api.key(Scope.ADMIN)]
    numbers = itertools.count()
    seen: set[str] = set()

    run_state_machine_as_test(
        lambda: Confirming(api, callers, numbers, seen),  # type: ignore[arg-type]  # hypothesis takes a factory as well
        settings=settings(
            max_examples=20,
            phases=[Phase.generate],  # to shrink takes longer than to read the steps
            stateful_step_count=15,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert seen == {"done", "replayed", "QRY_007", "QRY_008", "QRY_009"}


def codes(answer: Any) -> list[str]:
    """Why nothing was done: what was wrong with the request, or what the bot's books refused."""
    if "errors" in answer:
        return [error["extensions"]["errorCode"] for error in answer["errors"]]
    return [error["errorCode"] for error in answer["data"]["botStop"]["errors"]]
