"""The examples in the documents run, and the answers in the documents are what comes back, but for the figures."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import build_schema, parse, validate

from tests.docs.pages import PAGES, ROOT, answered, blocks
from tests.processes.running import Running, running, until

SCHEMA = build_schema((ROOT / "schema.graphql").read_text())


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A bot that has already traded."""
    import socket  # noqa: PLC0415

    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    botgraph = str(Path(sys.executable).with_name("botgraph"))
    home = tmp_path_factory.mktemp("docs") / "home"
    with running([botgraph, "up", "--speed", "max"], home=home, port=port) as started:
        started.says("Ready in ")
        until(lambda: ask(started, "{ trades { edges { node { id } } } }")["data"]["trades"]["edges"])
        yield started
        assert started.stop()[0] == 0


def ask(started: Running, query: str) -> Any:
    token = (started.home / "keys" / "admin.key").read_text().strip()
    address = f"http://127.0.0.1:{started.port}/graphql"
    return httpx.post(address, json={"query": query}, headers={"X-API-Key": token}, timeout=20).json()


def test_the_query_of_the_readme_gets_the_answer_of_the_readme(up: Running) -> None:
    shell, answer = (block.text for block in blocks("README.md") if block.language in {"sh", "json"})
    body = re.search(r"-d '(\{.*\})'", shell)
    assert body

    assert_alike(ask(up, json.loads(body[1])["query"]), json.loads(answer))


@pytest.mark.parametrize("name", PAGES)
def test_each_query_gets_the_answer_that_stands_below_it(name: str, up: Running) -> None:
    for query, answer in answered(name):
        assert_alike(ask(up, query), json.loads(answer))


@pytest.mark.parametrize("name", PAGES)
def test_each_document_fits_the_schema(name: str) -> None:
    documents = [block.text for block in blocks(name) if block.language == "graphql"]
    for block in blocks(name):
        documents += re.findall(r'= "((?:query|subscription) .+)"', block.text)

    assert [error.message for text in documents for error in validate(SCHEMA, parse(text))] == []


def test_the_readme_shows_a_query_and_a_subscription() -> None:
    assert {block.language for block in blocks("README.md")} >= {"sh", "json", "js"}
    assert "subscription { botSummary(intervalSeconds: 5)" in (ROOT / "README.md").read_text()


def assert_alike(real: Any, shown: Any, path: str = "$") -> None:
    """The same fields in the same order, down to the leaves; of lists, the first elements; null stands for anything."""
    if isinstance(real, dict) and isinstance(shown, dict):
        assert list(real) == list(shown), f"{path}: {real} is not like {shown}"
        for name, value in real.items():
            assert_alike(value, shown[name], f"{path}.{name}")
    elif isinstance(real, list) and isinstance(shown, list):
        for n, (one, other) in enumerate(zip(real[:1], shown[:1], strict=False)):
            assert_alike(one, other, f"{path}[{n}]")
    elif real is not None and shown is not None:
        assert type(real) is type(shown) or {type(real), type(shown)} == {int, float}, (
            f"{path}: {real} is not like {shown}"
        )
