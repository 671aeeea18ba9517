"""Every code is listed once, explained in its bounds, documented, raised somewhere, and triggered by a test."""

import ast
import re
from pathlib import Path

import orjson
import pytest

from graph.sizes import WHOLE
from tests.architecture.project import ROOT, tracked
from tests.errors.triggers import AWAITED, TRIGGERS
from trading_bot.domain.errors import IMPACT_BYTES, MESSAGE_BYTES, REMEDIATION_BYTES, ErrorCode, RetryKind
from trading_bot.errors import catalogue
from trading_bot.errors.catalogue import CATALOGUE

CODE = re.compile(r"[A-Z]{2,8}_\d{3}")
PRODUCT = ("graph/*.py", "resolvers/*.py", "workflows/*.py", "trading_bot/*.py")
LONGEST_MEANING = 240
MOST_ACTIONS = 5


def test_every_code_is_listed_once() -> None:
    listed = [known.error_code for known in catalogue._ENTRIES]

    assert sorted(listed) == sorted(set(listed))
    assert list(CATALOGUE) == sorted(listed, key=lambda code: catalogue.FAMILIES.index(code.partition("_")[0]))


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=lambda known: known.error_code)
def test_a_code_is_explained_within_its_bounds(known: ErrorCode) -> None:
    assert CODE.fullmatch(known.error_code)
    assert known.error_type.endswith("Error")
    assert 0 < len(known.title.encode()) <= MESSAGE_BYTES
    assert 0 < len(known.meaning.encode()) <= LONGEST_MEANING
    assert 0 < len(known.impact.encode()) <= IMPACT_BYTES
    assert 0 < len(known.remediation.encode()) <= REMEDIATION_BYTES
    assert 1 <= len(known.steps) <= MOST_ACTIONS
    assert " ".join(known.steps) == known.remediation
    assert len(known.actions) <= MOST_ACTIONS
    assert [text for text in (known.meaning, known.impact, known.remediation) if not text.endswith((".", "?"))] == []


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=lambda known: known.error_code)
def test_what_can_be_sent_again_says_so(known: ErrorCode) -> None:
    """A remedy that begins with waiting or with nothing is not one that must be carried out first."""
    needs_nothing = known.remediation.startswith(("Wait", "None is needed", "Nothing to send"))

    assert not (
        needs_nothing and known.retry is RetryKind.AFTER_FIX and known.error_code not in ("ORD_009", "RISK_001")
    )


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=lambda known: known.error_code)
def test_a_code_is_documented_where_its_link_leads(known: ErrorCode) -> None:
    page, _, anchor = known.doc_url.partition("#")
    text = (ROOT / page).read_text()

    assert text.count(f'<a id="{anchor}"></a>\n\n### {known.error_code}: {known.title}\n') == 1


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=lambda known: known.error_code)
def test_an_entry_of_the_catalogue_is_as_small_as_promised(known: ErrorCode) -> None:
    names = ("error_code", "error_type", "title", "meaning", "impact", "remediation", "severity", "retry", "doc_url")
    actions = [
        {
            "title": one.title,
            "operation": one.operation,
            "variables": dict(one.variables),
            "scope": one.scope,
            "writes": one.writes,
        }
        for one in known.actions
    ]
    entry = {**{name: getattr(known, name) for name in names}, "steps": known.steps, "actions": actions}

    assert len(orjson.dumps(entry)) <= WHOLE["ErrorCode"]


def test_every_code_is_raised_somewhere() -> None:
    named = codes_in(PRODUCT)

    assert sorted(CATALOGUE.keys() - named - AWAITED) == []


def test_every_code_that_is_raised_is_listed() -> None:
    assert sorted(codes_in(PRODUCT) - CATALOGUE.keys()) == []


def test_every_code_is_triggered_by_a_test() -> None:
    assert sorted(CATALOGUE.keys() - TRIGGERS.keys() - AWAITED) == [], "name a test in tests/errors/triggers.py"
    assert sorted((TRIGGERS.keys() | AWAITED) - CATALOGUE.keys()) == []
    assert sorted(TRIGGERS.keys() & AWAITED) == []


@pytest.mark.parametrize("code", TRIGGERS)
def test_the_test_that_triggers_a_code_is_there_and_names_it(code: str) -> None:
    file, _, name = TRIGGERS[code].partition("::")
    text = (ROOT / file).read_text()
    functions = {
        node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert name in functions
    assert code in text


def test_no_remedy_is_made_of_anything_but_our_own_words() -> None:
    """What a remedy says is a constant: no value, let alone a text from outside, can stand in it."""
    made = [
        f"{path.relative_to(ROOT)}:{node.value.lineno}"
        for path in tracked(*PRODUCT)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword) and node.arg == "remediation" and not _is_own(node.value)
    ]

    assert made == []


def _is_own(value: ast.expr) -> bool:
    """A constant, or a copy of what an error said already."""
    match value:
        case ast.Constant(value=str()):
            return True
        case ast.Name(id="remediation") | ast.Attribute(attr="remediation"):
            return True
        case ast.Call(func=ast.Name(id="capped"), args=[first, *_]):
            return _is_own(first)
        case ast.BoolOp(values=values):
            return all(_is_own(one) for one in values)
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="remediation")]):
            return True
        case _:
            return False


def codes_in(patterns: tuple[str, ...]) -> set[str]:
    """Codes that stand as a constant in code outside of the catalogue."""
    return {
        node.value
        for path in tracked(*patterns)
        if path.parent != ROOT / "trading_bot" / "errors"
        for node in ast.walk(ast.parse(Path(path).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }
