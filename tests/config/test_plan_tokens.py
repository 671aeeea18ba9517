"""Plan tokens: good for one key and 120 seconds; whatever else is sent as one is refused, and never a fault of ours."""

import base64
from dataclasses import replace

import pytest

from tests.config.made import stored
from tests.fakes.set_clock import SetClock
from trading_bot.errors.fault import Fault
from trading_bot.services.config_tokens import _HEAD, LONGEST, PlanTokens, SealedChange, claim_of

SECRET = bytes(range(32))
CHANGED = {**stored().values, "name": "Other"}


def issued(tokens: PlanTokens) -> str:
    return tokens.issue(bot_id="main", base=stored(), values=CHANGED, key_id="k1")


def opened(tokens: PlanTokens, token: str, key_id: str = "k1") -> SealedChange:
    return tokens.open(claim_of(token), base=stored(), key_id=key_id)


def made_up(name: bytes, *, length: int | None = None) -> str:
    """A token that nobody signed."""
    head = _HEAD.pack(bytes(16), 2**50, 1, len(name) if length is None else length)
    return "pt_" + base64.urlsafe_b64encode(head + name + bytes(64)).decode().rstrip("=")


def test_a_token_says_whose_it_is_and_gives_its_change_back() -> None:
    tokens = PlanTokens(SECRET, SetClock())
    token = issued(tokens)

    claim = claim_of(token)
    assert (claim.bot_id, claim.base_version) == ("main", stored().version)
    assert opened(tokens, token).values == CHANGED
    assert opened(tokens, token).token_id != opened(tokens, issued(tokens)).token_id


def test_a_token_is_good_for_its_key_and_its_home_alone() -> None:
    clock = SetClock()
    token = issued(PlanTokens(SECRET, clock))

    with pytest.raises(Fault, match="QRY_009"):
        opened(PlanTokens(SECRET, clock), token, "k2")
    with pytest.raises(Fault, match="QRY_009"):
        opened(PlanTokens(bytes(32), clock), token)
    with pytest.raises(Fault, match="QRY_009"):
        PlanTokens(SECRET, clock).open(claim_of(token), base=None, key_id="k1")


def test_a_token_is_good_for_the_version_it_was_made_over_alone() -> None:
    tokens = PlanTokens(SECRET, SetClock())
    token = issued(tokens)

    with pytest.raises(Fault, match="QRY_009"):
        tokens.open(claim_of(token), base=replace(stored(), values=CHANGED), key_id="k1")


@pytest.mark.parametrize(("seconds", "is_good"), [(0, True), (119.9, True), (120, False), (10_000, False)])
def test_a_token_is_good_for_120_seconds(seconds: float, *, is_good: bool) -> None:
    clock = SetClock()
    tokens = PlanTokens(SECRET, clock)
    token = issued(tokens)
    clock.move(seconds)

    if is_good:
        assert opened(tokens, token).values == CHANGED
    else:
        with pytest.raises(Fault, match=r"QRY_009.*expired"):
            opened(tokens, token)


def test_a_token_that_was_changed_or_cut_anywhere_is_refused() -> None:
    tokens = PlanTokens(SECRET, SetClock())
    token = issued(tokens)
    changed = [token[:at] + ("B" if token[at] == "A" else "A") + token[at + 1 :] for at in range(len(token) - 1)]

    for other in (*changed, *(token[:at] for at in range(len(token) - 1)), token + "A" * 4, token * 2):
        with pytest.raises(Fault, match="QRY_009"):
            opened(tokens, other)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "pt_",
        "ct_" + "A" * 200,
        "pt_ä" + "A" * 200,
        "pt_" + "!" * 200,
        "pt_" + "A" * 47,  # what stands before the signature is shorter than a head
        made_up(b"main", length=200),
        made_up(b"\xff\xfe"),
        made_up(b"main") + "A" * LONGEST,
    ],
)
def test_what_is_no_token_is_refused_before_anything_is_looked_up(token: str) -> None:
    with pytest.raises(Fault, match=r"QRY_009.*is none"):
        claim_of(token)
