"""Secrets: named by where they are, refused where they stand themselves, and never repeated."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.config.made import VIEW, stored
from trading_bot.domain.config import BotConfig
from trading_bot.errors.fault import Fault
from trading_bot.errors.shape import shown
from trading_bot.services.config_file import read_config
from trading_bot.services.config_plans import plan_change
from trading_bot.services.config_secrets import looks_secret, secrets_in
from trading_bot.services.configuration import config_values

SECRET = "sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2"


@pytest.mark.parametrize(
    "patch",
    [
        {"decider": {"key": SECRET}},
        {"decider": {"key": "plain words that no shape betrays"}},
        {"decider": {"url": f"https://user:{SECRET}@models.example/v1"}},
        {"decider": {"model": SECRET}},
        {"name": SECRET},
        {"symbols": [SECRET]},
        {"decider": {"api_key": SECRET}},
        {"strategies": [{"kind": "vwap-pullback", "token": SECRET}]},
    ],
)
def test_a_secret_is_refused_wherever_it_stands_and_never_repeated(patch: dict[str, Any]) -> None:
    plan = plan_change(stored(), patch, VIEW)

    assert not plan.valid
    assert "CFG_021" in {error.error_code for error in plan.errors}
    told = b"".join(orjson.dumps(shown(error), default=str) for error in plan.errors)
    assert SECRET.encode() not in told
    assert b"no shape betrays" not in told


@pytest.mark.parametrize("reference", ["env:MODEL_KEY", "file:/run/secrets/model.key", None])
def test_a_reference_is_taken_and_shown(reference: str | None) -> None:
    plan = plan_change(stored(), {"decider": {"key": reference, "max_tokens": 900}}, VIEW)

    assert plan.errors == ()
    assert plan.values["decider"]["key"] == reference


def test_a_secret_in_the_file_is_refused_with_its_line_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "bot.yaml"
    file.write_text(f"name: x\ndecider:\n  key: {SECRET}\n")

    with pytest.raises(Fault) as refused:
        read_config(file)

    assert refused.value.code == "CFG_021"
    assert refused.value.context["line"] == 3
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(refused.value.context)
    assert refused.value.__cause__ is None


def test_a_secret_given_twice_is_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "bot.yaml"
    file.write_text(f"decider:\n  key: {SECRET}\n  key: {SECRET}\n")

    with pytest.raises(Fault) as refused:
        read_config(file)

    assert refused.value.cause == "bot.yaml, line 3: `key` is given twice."
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        "bg_0123456789_abcdefghijklmnopqrst",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdef",
        "-----BEGIN PRIVATE KEY-----",
        "https://user:hunter2@models.example/v1",
    ],
)
def test_texts_of_these_shapes_are_secrets(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text", ["BotGraph", "AAPL", "sk-small", "small-instruct", "https://models.example/v1", "", 7, None]
)
def test_names_and_addresses_are_none(text: object) -> None:
    assert not looks_secret(text)


def test_no_default_looks_like_one() -> None:
    assert list(secrets_in(config_values(BotConfig()))) == []
    assert list(secrets_in({"decider": {"url": f"https://user:{SECRET}@models.example/v1"}})) == [("decider", "url")]
