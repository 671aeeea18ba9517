"""What exists is documented, and what is documented exists."""

import dataclasses
import re
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path

import pytest
import typer.main

from graph.documents import Documents
from graph.doors.error_pages import page as errors_page
from graph.doors.operation_pages import page as operations_page
from graph.doors.operations import load_operations
from graph.doors.terminal import app
from graph.doors.terminal.workflow_lint import library
from graph.doors.workflow_pages import page as workflows_page
from graph.schema import build_schema
from tests.docs.pages import PAGES, ROOT, headings, page
from trading_bot.domain.config import BotConfig, BullFlag, VwapPullback
from trading_bot.errors.catalogue import CATALOGUE
from trading_bot.settings import NAMES, Settings
from workflows.library import OUR_FOLDER, definitions_in

OPERATE = "docs/operate.md"


def test_every_setting_has_a_heading_and_every_such_heading_is_a_setting() -> None:
    assert [name for name in headings(OPERATE) if name.startswith("BOT")] == sorted(NAMES.values(), key=_as_documented)


@pytest.mark.parametrize("field", ["api_host", "api_port", "api_rate_per_minute", "state_cache_ttl"])
def test_the_default_of_a_setting_is_documented(field: str) -> None:
    section = page(OPERATE).split(f"### {NAMES[field]}\n")[1].split("\n### ")[0]
    default = Settings.model_fields[field].default

    assert f"Default `{default:g}`" in section if isinstance(default, float) else f"Default `{default}`" in section


def test_every_key_of_the_configuration_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.+?) \| ", page(OPERATE), re.MULTILINE))
    keys = {
        **dict(_keys(BotConfig())),
        **dict(_keys(BullFlag(), "strategies.")),
        **dict(_keys(VwapPullback(), "strategies.")),
    }

    assert {key: rows.get(key) for key in keys if rows.get(key) is None} == {}
    assert {key: rows[key] for key, default in _keys(BotConfig()) if rows[key] != default} == {}


@pytest.mark.parametrize("strategy", [BullFlag(), VwapPullback()])
def test_every_parameter_of_a_strategy_is_documented_with_its_default(strategy: BullFlag | VwapPullback) -> None:
    section = page(OPERATE).split(f"### Strategy {strategy.kind}\n")[1].split("\n### ")[0]

    assert re.findall(r"^\| `([\w.]+)` \| (.+?) \| ", section, re.MULTILINE) == list(_keys(strategy, "strategies."))


def test_the_page_of_errors_is_the_catalogue() -> None:
    assert page("docs/errors.md") == errors_page()
    codes = [heading.partition(":")[0] for heading in headings("docs/errors.md")]
    assert [code for code in CATALOGUE if code not in codes] == []


def test_the_page_of_operations_is_the_catalogue() -> None:
    known = load_operations(Documents(schema=build_schema()._schema))

    assert page("docs/operations.md") == operations_page(known.values())
    assert [heading for heading in headings("docs/operations.md") if heading in known] == [
        *(name for name, one in known.items() if not one.writes),
        *(name for name, one in known.items() if one.writes),
    ]


def test_the_page_of_workflows_is_the_library(home: Path) -> None:
    known = library()

    assert page("docs/workflows.md") == workflows_page(known)
    assert headings("docs/workflows.md") == ["Workflows", *(workflow.id for workflow in known)]
    assert [workflow.id for workflow in known] == sorted(file.stem for file in definitions_in(OUR_FOLDER))


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    existing = set(_commands())
    text = "\n".join(page(name) for name in PAGES)
    groups = "|".join(str(group.name) for group in app.registered_groups)
    named = set(re.findall(rf"botgraph ((?:(?:{groups}) )?[a-z]+)\b", text)) - set(groups.split("|"))
    # A table may name several at once: `botgraph key create`, `key list`.
    named |= set(re.findall(rf"`((?:{groups}) [a-z]+)", text))

    assert (existing - named, named - existing) == (set(), set())


def test_every_documented_option_exists() -> None:
    text = "\n".join(page(name) for name in PAGES)

    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - _options() == {"--help"}


def test_every_documented_make_command_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for document in (*PAGES, "CONTRIBUTING.md") for name in re.findall(r"make ([a-z-]+)", page(document))}

    assert {name for name in named if name in targets} >= {"run", "test"}
    assert set(re.findall(r"`make ([a-z-]+)", page("README.md"))) <= targets


def _as_documented(name: str) -> tuple[bool, int]:
    return name.startswith("BOTGRAPH"), page(OPERATE).index(f"### {name}\n")


def _keys(config: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    assert dataclasses.is_dataclass(config)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _keys(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, _shown(value)


def _shown(value: object) -> str:
    match value:
        case Enum():
            return str(value.value)
        case None:
            return "null"
        case (BullFlag(), VwapPullback()):
            return "both kinds"
        case tuple():
            return "[]"
        case Decimal() | str() | int() | float():
            return str(value)
        case _:
            pytest.fail(f"no way to show {value!r}")


def _commands() -> Iterator[str]:
    for command in app.registered_commands:
        assert command.callback
        yield command.name or command.callback.__name__
    for group in app.registered_groups:
        assert group.typer_instance
        for command in group.typer_instance.registered_commands:
            assert command.callback
            yield f"{group.name} {command.name or command.callback.__name__}"


def _options() -> set[str]:
    stack, options = [typer.main.get_command(app)], set[str]()
    while stack:
        command = stack.pop()
        options.update(option for parameter in command.params for option in parameter.opts)
        stack += getattr(command, "commands", {}).values()
    return options
