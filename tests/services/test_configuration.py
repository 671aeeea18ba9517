"""The configuration file: read strictly, imported once, never silently taken again."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.playing import first_days, play_bars, replay_settings
from trading_bot.clock import SystemClock
from trading_bot.domain.config import BotConfig, FeedKind
from trading_bot.domain.limits import RiskLimits
from trading_bot.errors.fault import Fault
from trading_bot.services.config_file import MAX_FILE_BYTES, read_config, write_config
from trading_bot.services.configuration import config_hash, config_values, parse_config, with_feed
from trading_bot.store import configs
from trading_bot.store import errors as stored_errors
from trading_bot.store.engine import open_engine
from trading_bot.store.store import Store


def test_a_written_file_is_read_back_as_the_same_configuration(tmp_path: Path) -> None:
    config = BotConfig(bot_id="alpha", risk=RiskLimits(daily_loss_limit=Decimal("-500.25")))

    write_config(tmp_path / "bot.yaml", config)

    assert read_config(tmp_path / "bot.yaml") == config
    assert "daily_loss_limit: '-500.25'" in (tmp_path / "bot.yaml").read_text()


def test_no_file_is_no_configuration(tmp_path: Path) -> None:
    assert read_config(tmp_path / "bot.yaml") is None


def test_an_empty_file_means_all_defaults(tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text("# nothing set\n")

    assert read_config(tmp_path / "bot.yaml") == BotConfig()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("bot_id: a\nbot_id: b\n", 2, "`bot_id` is given twice"),
        ("risk: &r {}\nvenue: *r\n", 1, "anchors and aliases are not allowed"),
        ("risk: [1,\n", 2, "expected the node content"),
        ("bot_id: \x00", None, "special characters are not allowed"),
    ],
)
def test_a_file_that_is_not_plain_yaml_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int | None, says: str
) -> None:
    (tmp_path / "bot.yaml").write_text(text)

    with pytest.raises(Fault) as refused:
        read_config(tmp_path / "bot.yaml")

    assert refused.value.code == "CFG_002"
    assert says in refused.value.cause
    if line is not None:
        assert refused.value.context["line"] == line


def test_an_oversize_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))

    with pytest.raises(Fault, match="CFG_002"):
        read_config(tmp_path / "bot.yaml")


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"foo": 1}, "foo", "Unexpected keyword argument"),
        ({"risk": {"max_position_size_pct": 25}}, "risk", "between 1.0 and 10.0, was 25.0"),
        ({"risk": {"daily_loss_limit": "5"}}, "risk", "between -1000000000 and -0.01, was 5"),
        (
            {"strategies": [{"kind": "bull-flag-breakout", "pole_bars": 100}]},
            "strategies.0",
            "between 3 and 30, was 100",
        ),
        ({"strategies": [{"kind": "moon"}]}, "strategies.0.kind", "Input should be 'bull-flag-breakout'"),
        ({"venue": {"feed": "replay"}}, "venue", "`venue.candles` exactly for a replay"),
        ({"bot_id": "Too Long A Name"}, "(whole file)", "1 to 8 characters"),
        ([1], "(whole file)", "dictionary"),
    ],
)
def test_a_wrong_value_is_named_with_its_field_and_range(values: object, field: str, says: str) -> None:
    with pytest.raises(Fault) as refused:
        parse_config(values)

    assert refused.value.code == "CFG_001"
    assert refused.value.context["field"] == field
    assert says in refused.value.cause


def test_the_hash_names_the_content_whatever_the_order_of_its_keys() -> None:
    values = config_values(BotConfig())
    turned = dict(reversed(list(values.items())))

    assert config_hash(values) == config_hash(turned)
    assert config_hash(values) != config_hash({**values, "name": "other"})


def test_the_command_line_chooses_the_feed() -> None:
    chosen = with_feed(BotConfig(), candles=Path("/data/day.csv"), seed=11, speed="max")

    assert chosen.venue.feed is FeedKind.REPLAY
    assert (chosen.venue.candles, chosen.venue.seed, chosen.venue.speed) == ("/data/day.csv", 11, None)
    assert replace(chosen, venue=BotConfig().venue) == BotConfig()


def test_an_edited_file_is_reported_and_not_taken(home: Path, tmp_path: Path, candles_coinbase: Path) -> None:
    url = f"sqlite:///{tmp_path / 'botgraph.db'}"
    settings = replay_settings(home, first_days(candles_coinbase, 1, tmp_path / "day.csv"), url)
    play_bars(settings, 5)
    imported = read_config(settings.config_file)
    assert imported is not None
    write_config(settings.config_file, replace(imported, name="Edited by hand"))

    play_bars(settings, 5)

    with Store(open_engine(url), SystemClock()).reading("main") as r:
        in_force = configs.find_config(r)
        reported = [error.error_code for error in stored_errors.list_recent_errors(r, 3)]
    assert in_force is not None
    assert (in_force.version, in_force.values["name"]) == (1, "BotGraph")
    assert "CFG_005" in reported
