"""The configuration's file: read strictly, named line by line, and written over without losing what an operator wrote beside."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.config.made import FAST, configs
from trading_bot.domain.config import BotConfig, VwapPullback
from trading_bot.domain.limits import RiskLimits
from trading_bot.errors.fault import Fault
from trading_bot.services.config_fields import schema
from trading_bot.services.config_file import DEEPEST, read_config, read_values, render, write_config

COMMENTED = """\
# our desk's bot
bot_id: alpha   # the first one

risk:
  # agreed with the desk
  daily_loss_limit: "-500.25"  # a day
  max_open_positions: 3
symbols: [AAPL, MSFT]  # two
strategies:
  - kind: vwap-pullback
    stop_pct: '0.5'  # wide
  - kind: bull-flag-breakout
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bot.yaml"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("bot_id: a\nrisk: {}\nbot_id: b\n", 3, "`bot_id` is given twice"),
        ("venue:\n  seed: 1\n  seed: 2\n", 3, "`seed` is given twice"),
        ("risk: &r {}\nvenue: *r\n", 1, "anchors and aliases are not allowed"),
        ("name: x\nrisk: *r\n", 2, "anchors and aliases are not allowed"),
        ("name: x\nrisk:\n  <<: {max_open_positions: 3}\n", 3, "merging is not allowed"),
        ("name: x\nmode: !!python/name:os.system\n", 2, "tags are not allowed"),
        ("name: x\n---\nname: y\n", 2, "one document is allowed"),
        ("name: x\nrisk: [1,\n", 3, "expected the node content"),
        (f"a: {'[' * DEEPEST}\n", 1, f"more than {DEEPEST} levels are not allowed"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(file: Path, text: str, line: int, says: str) -> None:
    file.write_text(text)

    with pytest.raises(Fault) as refused:
        read_config(file)

    assert refused.value.code == "CFG_002"
    assert refused.value.cause.startswith(f"bot.yaml, line {line}: {says}")
    assert refused.value.context["line"] == line


def test_a_text_that_is_not_utf8_is_refused_with_its_line(file: Path) -> None:
    file.write_bytes(b"name: x\nmode: \xff\n")

    with pytest.raises(Fault, match=r"CFG_002: bot\.yaml, line 2: it is not UTF-8"):
        read_config(file)


def test_a_bomb_of_aliases_is_refused_before_it_grows(file: Path) -> None:
    file.write_text(
        "a: &a [x,x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(20))
    )

    with pytest.raises(Fault, match="anchors and aliases are not allowed"):
        read_config(file)


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        (
            "risk:\n  max_position_size_pct: 25\n",
            2,
            "Expected `risk.max_position_size_pct` to be a number from 1 to 10",
        ),
        ("risk:\n\n  daily_loss_limit: -500\n", 3, "Expected `risk.daily_loss_limit` to be a decimal in quotes"),
        ("name: x\nrisc:\n  x: 1\n", 2, "There is no `risc`, did you mean `risk`?"),
        ("strategies:\n  - kind: vwap-pullback\n  - kind: moon\n", 3, "Expected `strategies[1].kind` to be one of"),
        ("strategies:\n  - kind: vwap-pullback\n  - stop_pct: '1'\n", 3, "Expected `strategies[1].kind` to be one of"),
        ("name: 2020-01-01\n", 1, "Expected `name` to be text"),
    ],
)
def test_a_wrong_value_is_refused_with_its_line(file: Path, text: str, line: int, cause: str) -> None:
    file.write_text(text)

    with pytest.raises(Fault) as refused:
        read_config(file)

    assert refused.value.code == "CFG_001"
    assert refused.value.cause.startswith(f"bot.yaml, line {line}: {cause}")


def test_words_and_numbers_are_those_of_yaml_1_2(file: Path) -> None:
    file.write_text("name: no\nbackup:\n  daily_at: 21:30\n  keep_daily: 012\n")

    assert read_values(file) == {"name": "no", "backup": {"daily_at": "21:30", "keep_daily": 12}}


def test_a_file_that_is_written_over_keeps_comments_order_and_what_it_leaves_out(file: Path) -> None:
    file.write_text(COMMENTED)
    config = read_config(file)
    assert config is not None

    wider = VwapPullback(stop_pct=Decimal("0.6"))
    risk = replace(config.risk, max_open_positions=4, max_rejections=5)
    write_config(
        file,
        replace(config, risk=risk, symbols=("AAPL", "TSLA"), strategies=(config.strategies[1], wider), name="Desk"),
    )

    assert file.read_text() == (
        "# our desk's bot\n"
        "bot_id: alpha   # the first one\n"
        "\n"
        "risk:\n"
        "  # agreed with the desk\n"
        '  daily_loss_limit: "-500.25"  # a day\n'
        "  max_open_positions: 4\n"
        "  max_rejections: 5\n"
        "symbols: [AAPL, TSLA]  # two\n"
        "strategies:\n"
        "  - kind: bull-flag-breakout\n"
        "  - kind: vwap-pullback\n"
        "    stop_pct: '0.6'  # wide\n"
        "name: Desk\n"
    )


def test_a_file_that_was_written_over_and_back_is_the_first_one_again(file: Path) -> None:
    file.write_text(COMMENTED)
    config = read_config(file)
    assert config is not None

    for limits in (replace(config.risk, daily_loss_limit=Decimal(-900)), config.risk):
        write_config(file, replace(config, risk=limits))

    assert file.read_text() == COMMENTED


def test_a_value_that_is_null_is_written_as_the_word(file: Path) -> None:
    write_config(file, BotConfig(alerts=replace(BotConfig().alerts, min_win_rate=None)))

    assert "  min_win_rate: null\n" in file.read_text()
    assert read_config(file) == BotConfig(alerts=replace(BotConfig().alerts, min_win_rate=None))


def test_a_new_file_tells_editors_of_its_schema_and_has_every_key(file: Path) -> None:
    write_config(file, BotConfig())
    lines = file.read_text().splitlines()

    assert lines[0] == "# yaml-language-server: $schema=./config.schema.json"
    assert json.loads((file.parent / "config.schema.json").read_text()) == schema()
    assert read_values(file).keys() == schema()["properties"].keys()


def test_a_file_that_is_broken_is_written_anew(file: Path) -> None:
    file.write_text("risk: [1,\n")

    write_config(file, BotConfig(name="Sound"))

    assert read_config(file) == BotConfig(name="Sound")


@pytest.mark.parametrize("value", ["2001-99-99", "1" * 5_000])
def test_a_value_that_no_reader_can_make_is_refused_and_not_repeated(file: Path, value: str) -> None:
    file.write_text(f"risk: {{max_open_positions: {value}}}\n")

    with pytest.raises(Fault) as refused:
        read_config(file)

    assert (refused.value.code, refused.value.cause) == (
        "CFG_002",
        "bot.yaml: it has a date that there is not, or a number of thousands of digits.",
    )
    write_config(file, BotConfig(name="Sound"))
    assert read_config(file) == BotConfig(name="Sound")


@pytest.mark.parametrize("key", ["1.5", "null", "2001-01-01", "? {a: b}\n", "true"])
def test_a_key_that_is_no_text_is_a_key_that_there_is_not(file: Path, key: str) -> None:
    file.write_text(f"{key}: 1\n")

    with pytest.raises(Fault) as refused:
        read_config(file)

    assert refused.value.code == "CFG_001"
    assert refused.value.cause.startswith("bot.yaml, line 1: There is no `")


BOMB = "a0: &a0 [1, 2]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)) + "name: *a59\n"


@pytest.mark.parametrize("text", [BOMB, "name: " + "[" * 5_000], ids=["aliases", "levels"])
def test_a_file_that_would_grow_without_end_is_written_anew(file: Path, text: str) -> None:
    file.write_text(text)

    write_config(file, BotConfig(name="Sound"))

    assert read_config(file) == BotConfig(name="Sound")


def test_a_file_that_can_not_be_written_is_a_fault_and_leaves_the_old_one(file: Path) -> None:
    write_config(file, BotConfig(name="Old"))
    file.with_name("bot.yaml.tmp").mkdir()

    with pytest.raises(Fault, match=r"CFG_002: bot\.yaml can't be written"):
        write_config(file, BotConfig(name="New"))

    assert read_config(file) == BotConfig(name="Old")


@settings(max_examples=15, deadline=None, phases=FAST)
@given(configs(), configs())
def test_any_configuration_is_read_back_from_any_other_written_over(before: BotConfig, after: BotConfig) -> None:
    limits = RiskLimits(max_open_positions=7)
    text = render(after, render(replace(before, risk=limits)))

    assert text.startswith("# yaml-language-server")
    assert render(after, text) == text
