from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from trading_bot.domain.config import BotConfig, FeedKind, PaperVenue, summary
from trading_bot.domain.decider import Decider, DeciderKind

MODEL = Decider(kind=DeciderKind.LANGUAGE_MODEL, url="https://models.example/v1", model="small")


def test_the_rules_decide_unless_the_operator_says_otherwise() -> None:
    assert BotConfig().decider.kind is DeciderKind.RULES
    assert summary(BotConfig(), 1).strategies == ("bull-flag-breakout", "vwap-pullback")
    assert summary(BotConfig(decider=MODEL), 1).strategies == ("language-model",)


@pytest.mark.parametrize(
    ("field", "low", "high", "past_low", "past_high"),
    [
        ("every_bars", 1, 390, 0, 391),
        ("timeout_seconds", 1.0, 120.0, 0.9, 120.1),
        ("max_tokens", 50, 8000, 49, 8001),
        ("temperature", 0.0, 2.0, -0.1, 2.1),
        ("cost_per_1k_input", Decimal(0), Decimal(1000), Decimal("-0.1"), Decimal("1000.1")),
        ("cost_per_1k_output", Decimal(0), Decimal(1000), Decimal("-0.1"), Decimal("1000.1")),
    ],
)
def test_each_number_keeps_to_its_range_and_a_refusal_names_it(
    *, field: str, low: Any, high: Any, past_low: Any, past_high: Any
) -> None:
    for met in (low, high):
        assert getattr(replace(MODEL, **{field: met}), field) == met
    for missed in (past_low, past_high):
        with pytest.raises(ValueError, match=rf"Expected `decider\.{field}` between {low} and {high}, was {missed}\."):
            replace(MODEL, **{field: missed})


@pytest.mark.parametrize("missing", ["url", "model"])
def test_a_language_model_needs_an_address_and_a_name(missing: str) -> None:
    with pytest.raises(ValueError, match=r"Expected `decider\.url` and `decider\.model` for a language model"):
        replace(MODEL, **{missing: None})  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    "reference", ["env:MODEL_KEY", "env:_k9", "file:/run/secrets/model.key", "file:keys/model key"]
)
def test_a_key_is_named_by_where_it_is(reference: str) -> None:
    assert replace(MODEL, key=reference).key == reference


@pytest.mark.parametrize("secret", ["sk-abcdef", "env:", "env:9X", "env:A-B", "file:", "file: x", "ENV:X", ""])
def test_a_key_itself_is_refused_and_never_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match=r"Expected `decider\.key` as env:NAME or file:PATH") as refusal:
        replace(MODEL, key=secret)
    assert "sk-" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://models.example/v1",
        "https://[2001:db8::1]:8443/v1",
        "http://localhost:11434/v1",
        "http://127.0.0.1:8080",
        "http://[::1]:8080/v1",
    ],
)
def test_an_address_may_be_secure_or_on_this_machine(url: str) -> None:
    assert replace(MODEL, url=url, key="env:K").url == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://models.example",
        "models.example/v1",
        "https://",
        "https://user:hunter2@models.example/v1",
        "https://models.example/v1?key=hunter2",
        "https://models.example/#hunter2",
        "https://models.example:99999",
        "https://models.example/a b",
        "https://mod\u00e9ls.example",
        "https://models.example/" + "x" * 300,
    ],
)
def test_an_address_that_can_not_be_called_or_holds_a_secret_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"Expected `decider\.url` such as") as refusal:
        replace(MODEL, url=url)
    assert "hunter2" not in str(refusal.value)


def test_a_key_never_travels_in_the_clear() -> None:
    assert replace(MODEL, url="http://models.example/v1").key is None
    with pytest.raises(ValueError, match=r"Expected `decider\.url` with https"):
        replace(MODEL, url="http://models.example/v1", key="env:K")


def test_symbols_are_tradable_named_once_and_at_most_ten() -> None:
    with pytest.raises(ValueError, match=r"Expected `decider\.symbols` to be tradable"):
        replace(MODEL, symbols=("acme",))
    with pytest.raises(ValueError, match=r"Expected `decider\.symbols` without repetition, was `ACME` twice"):
        replace(MODEL, symbols=("ACME", "ACME"))
    with pytest.raises(ValueError, match=r"Expected `decider\.symbols \(count\)` between 0 and 10, was 11"):
        replace(MODEL, symbols=tuple(f"C{n:02}/USD" for n in range(11)))


@pytest.mark.parametrize(
    ("venue", "is_real_time"),
    [
        (PaperVenue(speed=1.0), True),
        (PaperVenue(speed=0.5), True),
        (PaperVenue(speed=60.0), False),
        (PaperVenue(speed=None), False),
        (PaperVenue(feed=FeedKind.REPLAY, candles="a.csv", speed=1.0), False),
    ],
)
def test_only_a_simulated_market_at_the_pace_of_the_clock_does_not_wait(
    venue: PaperVenue, *, is_real_time: bool
) -> None:
    assert venue.is_real_time is is_real_time


def test_a_model_may_enter_only_what_the_bot_trades() -> None:
    assert BotConfig(symbols=("ACME", "BOLT"), decider=replace(MODEL, symbols=("BOLT",))).decider.symbols == ("BOLT",)
    assert BotConfig(decider=replace(MODEL, symbols=("BOLT",))).symbols == ()
    with pytest.raises(ValueError, match=r"Expected `decider\.symbols` among `symbols`, was COIL besides\."):
        BotConfig(symbols=("ACME", "BOLT"), decider=replace(MODEL, symbols=("BOLT", "COIL")))
