"""Thousands of hostile HTTP requests to the API as a process: no 5xx, no error without a code, flat memory, one log line each."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.test_process import free_port, key, running, wait_until_alive

AT_ONCE = 8
LOG_BYTES = 400
"""Most that one request may add to the log, on average."""
GROWTH_BYTES = 16 * 2**20
"""Most by which the process may grow once it is warm."""
WARM = 2_000
"""So many requests fill what is remembered of documents and answers, which is bounded."""
WORDS = (
    *[
        "query",
        "mutation",
        "subscription",
        "fragment",
        "on",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ":",
        "!",
        "=",
        "@",
        "|",
        "&",
        "...",
        "$a",
        "$",
        "#",
        '"',
        "\\",
        ",",
        "0",
        "-1",
        "1e999",
        "1.5",
        "null",
        "true",
    ],
    *[
        "botState",
        "botSummary",
        "trades",
        "first",
        "after",
        "filter",
        "viewer",
        "name",
        "edges",
        "node",
        "__schema",
        "__type",
        "__typename",
        "types",
    ],
    *["fields", "skip", "include", "if", "seq", "orders", "botPause", "input", "reason", "idempotencyKey"],
    *('"""', "é", "\u202e", "\x00", "\ufeff"),
)
WRONG: tuple[Any, ...] = (
    None,
    True,
    7,
    -1,
    10**30,
    1e300,
    "",
    "x",
    "\x00",
    "é" * 300,
    [],
    [[]],
    {},
    {"": {}},
    {"a": [1]},
)
WRITTEN: dict[str, dict[str, Any]] = {
    "botPause": {"reason": "r", "idempotencyKey": "k", "dryRun": True, "botId": None, "confirmToken": None},
    "configPlan": {"patch": {}, "botId": None},
    "configApply": {"planToken": "pt_x", "reason": "r", "idempotencyKey": "k", "watchSeconds": 0},
    "configRollback": {"toVersion": 1, "expectedVersion": 1, "reason": "r", "idempotencyKey": "k", "dryRun": True},
    "workflowExecute": {
        "workflowId": "check-health",
        "parameters": {},
        "reason": "r",
        "idempotencyKey": "k",
        "dryRun": True,
    },
    "workflowCancel": {"runId": "x", "reason": "r", "idempotencyKey": "k", "dryRun": True},
    "workflowRun": {"id": "x"},
}
"""Variables of operations that do nothing without them."""


@dataclass(slots=True, kw_only=True)
class Judged:
    """What came of many requests."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[tuple[bytes, int, bytes]] = field(default_factory=list)
    """Requests whose answer is not one that a stranger may get, with status and body."""


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(3_600)])])
def test_no_request_makes_the_api_fail_grow_or_chatter(
    tmp_path: Path, seeded_store: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "botgraph.db").write_bytes(seeded_store.read_bytes())
    token = key(home)
    monkeypatch.setenv("BOT_API_RATE_PER_MINUTE", "0")
    port = free_port()
    with running(home, port) as process:
        wait_until_alive(port, process)
        warm = asyncio.run(judged(port, token, count=max(WARM, count // 5), seed=1))
        memory, logged = resident(process.pid), log_size(home)
        rest = asyncio.run(judged(port, token, count=count, seed=2))
        grown = resident(process.pid) - memory

    assert (warm.wrong, rest.wrong) == ([], [])
    assert rest.statuses.total() == count
    assert {200, 400, 401, 404, 405, 413, 415} <= set(rest.statuses)
    assert grown < GROWTH_BYTES
    assert log_size(home) - logged < LOG_BYTES * rest.statuses.total()
    assert '"event": "fault"' not in (home / "logs" / "api.log").read_text()


async def judged(port: int, token: str, *, count: int, seed: int) -> Judged:
    """Send so many requests, a few at a time."""
    chance = random.Random(seed)
    waiting = iter(range(count))
    result = Judged()

    async def work() -> None:
        connection = Connection(port=port)
        for _ in waiting:
            request = chance.choice(KINDS)(chance, token)
            status, body = await connection.send(request)
            result.statuses[status] += 1
            if not is_answer(status, body):
                result.wrong.append((request[:2_000], status, body[:2_000]))
        connection.close()

    async with asyncio.timeout(3_000):
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return result


def is_answer(status: int, body: bytes) -> bool:
    """Whether it is what the API says of a request, good or bad: below 500, each error with a code that is not a fault of ours."""
    if not 200 <= status < 500:
        return False
    if not body:  # none was asked for
        return True
    codes = [error["extensions"]["errorCode"] for error in json.loads(body).get("errors", ())]
    return not any(code.startswith("SYS_") for code in codes) and (status == 200 or bool(codes))


@dataclass(slots=True, kw_only=True)
class Connection:
    """One connection that is kept as long as the server keeps it."""

    port: int
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Status and body; 0 where the server hung up without a word."""
        reader, writer = self._streams or await asyncio.open_connection("127.0.0.1", self.port)
        self._streams = reader, writer
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0, b""
        status = int(head.split(b" ", 2)[1])
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        size = 0 if request.startswith(b"HEAD ") else int(headers.get(b"content-length", b"0"))
        body = await reader.readexactly(size)
        if headers.get(b"connection") == b"close" or status in {413, 415}:  # what is left of the body is not read
            self.close()
        return status, body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def noise(chance: random.Random, token: str) -> bytes:
    """Bytes that are no HTTP at all."""
    return chance.randbytes(chance.randrange(4, 300)) + b"\r\n\r\n"


def noise_as_body(chance: random.Random, token: str) -> bytes:
    return post(chance.randbytes(chance.randrange(0, 400)), token)


def broken_text(chance: random.Random, token: str) -> bytes:
    text = bytearray(json.dumps({"query": "{ viewer { name } }", "variables": {"a": "é"}}, ensure_ascii=False).encode())
    text[chance.randrange(len(text))] = chance.choice([0xFF, 0xC0, 0xED, 0x00, 0x80])
    return post(bytes(text), token)


def deep(chance: random.Random, token: str) -> bytes:
    """JSON and documents nested deeply, wherever they may stand."""
    depth = chance.choice([100, 260, 1_020, 5_000, 30_000])
    nested = chance.choice([b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth])[:60_000]
    document = chance.choice(["{a" * depth, "{ trades(filter: " + "[" * depth, "{ x(y: " + "{a: " * depth])[:50_000]
    return chance.choice([
        post(nested, token),
        post(b'{"query": "{ viewer { name } }", "variables": {"a": ' + nested + b"}}", token),
        post(b'{"documentId": "trades", "variables": {"filter": ' + nested + b"}}", token),
        post(b'{"query": "{ viewer { name } }", "extensions": {"budget": ' + nested + b"}}", token),
        post(b'{"documentId": "configPlan", "variables": {"patch": ' + nested + b"}}", token),
        post(
            b'{"documentId": "workflowExecute", "variables": {"workflowId": "check-health", "reason": "r", "idempotencyKey": "k", '
            b'"dryRun": true, "parameters": ' + nested + b"}}",
            token,
        ),
        post(json.dumps({"query": document}).encode(), token),
    ])  # fmt: skip


def huge_number(chance: random.Random, token: str) -> bytes:
    number = chance.choice(
        ["9" * 400, "1e400", "-1e400", "1e-999999", str(2**63), str(-(2**63) - 1), "0.1e99999999999"]
    )
    query = chance.choice([
        "{ trades(first: %s) { edges { cursor } } }",
        "{ changes(afterSeq: %s) { seq } }",
        '{ trades(filter: {minProfitLoss: "%s"}) { edges { cursor } } }',
        "query($a: Int) { trades(first: $a) { edges { cursor } } }",
        "query($a: Decimal) { trades(filter: {minProfitLoss: $a}) { edges { cursor } } }",
        "query($a: BigInt!) { changes(afterSeq: $a) { seq } }",
        "{ configPlan(input: {patch: {risk: {max_open_positions: %s}}}) { valid } }",
        "query($a: JSON!) { configPlan(input: {patch: {risk: {max_open_positions: $a}}}) { valid } }",
        "query($a: Int!) { config(version: $a) { version } }",
        "query($a: Int!) { configDiff(fromVersion: $a, toVersion: 1) { path } }",
    ])  # fmt: skip
    written = query % number if "%s" in query else query
    return post(b'{"query": %s, "variables": {"a": %s}}' % (json.dumps(written).encode(), number.encode()), token)


def wrong_types(chance: random.Random, token: str) -> bytes:
    names = chance.sample(["query", "documentId", "variables", "operationName", "extensions"], 3)
    return post(json.dumps({name: chance.choice(WRONG) for name in names}).encode(), token)


def wrong_variables(chance: random.Random, token: str) -> bytes:
    """A named operation with values of any type."""
    name = chance.choice(
        [
            "trades",
            "orders",
            "candles",
            "changes",
            "botState",
            "errors",
            "botPause",
            "configPlan",
            "configApply",
            "configRollback",
            "workflowExecute",
            "workflowCancel",
            "workflowRun",
            "nothing",
            "../x",
        ]
    )
    variables = {
        named: chance.choice(WRONG)
        for named in chance.sample(["first", "after", "filter", "botId", "symbol", "input"], 3)
    }
    if name in WRITTEN:  # else each is refused for what it lacks, before what is wrong is looked at
        variables = {**WRITTEN[name], chance.choice(list(WRITTEN[name])): chance.choice(WRONG)}
    return post(json.dumps({"documentId": name, "variables": variables}).encode(), token)


def word_salad(chance: random.Random, token: str) -> bytes:
    words = " ".join(chance.choices(WORDS, k=chance.randrange(1, 60)))
    return post(json.dumps({"query": words}).encode(), token)


def many(chance: random.Random, token: str) -> bytes:
    """A document that is much of one thing."""
    size = chance.choice([50, 500, 4_000])
    part = chance.choice(
        ["a%d: viewer { name } ", "...F%d ", "viewer @skip(if: %s) { name } ", '# %d\n viewer { name } "']
    )
    body = "".join(part.replace("%s", "true").replace("%d", str(n)) for n in range(size))
    return post(json.dumps({"query": ("{ " + body + " }")[:60_000]}).encode(), token)


def parameters(chance: random.Random, token: str) -> bytes:
    """GET with anything in it."""
    values = [
        "{ viewer { name } }",
        "{",
        "mutation { botStart }",
        "%ff%fe",
        quote("é\x00"),
        "[",
        "{}",
        "x" * 70_000,
        "&&&=",
    ]
    query = "&".join(
        f"{chance.choice(['query', 'variables', 'extensions', 'operationName', 'documentId', '', 'x[]'])}={value}"
        for value in (chance.choice(values).replace(" ", "+") for _ in range(chance.randrange(4)))
    )
    if len(query) > 62_000:
        query = "query=" + "x" * 65_600
    return head("GET", f"/graphql?{query}", token) + b"\r\n"


def odd_headers(chance: random.Random, token: str) -> bytes:
    """A good body under headers that are not."""
    body = b'{"query": "{ viewer { name } }"}'
    lines = {
        "Content-Type": [
            "application/json; charset=utf-7",
            "text/plain",
            "application/x-www-form-urlencoded",
            ";;;",
            "\x80",
        ],
        "Accept": ["*/*;q=nan", "application/graphql-response+json;q=-1", "," * 500, "text/html", ";q"],
        "X-API-Key": ["", "bg_0_none", "\xff" * 50, "bg_" * 2_000, "bg_\xe9_\x80"],
        "Authorization": ["Bearer", "Bearer \x81", "Basic x", "Negotiate" * 100],
        "If-None-Match": ["*", '"', 'W/"x", ' * 300],
        "Origin": ["null", "http://evil.example", "\xa0"],
        "X-Request-Id": ["x" * 5_000, "a b", '"}{"'],
        "Host": ["localhost:]", "localhost:99999999", "127.0.0.1.", "[::1", "evil.example", "\xb5"],
        "traceparent": ["00-0-0-0", "x" * 3_000],
    }
    given = {name: chance.choice(lines[name]) for name in chance.sample(sorted(lines), 3)}
    fixed = {"Host": "localhost", "X-API-Key": token, "Content-Type": "application/json"}
    text = "".join(f"{name}: {value}\r\n" for name, value in {**fixed, **given}.items())
    return b"POST /graphql HTTP/1.1\r\n" + text.encode("latin-1") + b"Content-Length: %d\r\n\r\n" % len(body) + body


def odd_address(chance: random.Random, token: str) -> bytes:
    method = chance.choice(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "POST"])
    path = chance.choice(
        ["/graphql", "/graphql/", "//[", "/%ff%00", "/../../etc/passwd", "/api/v1/x", "/" + "x" * 5_000, "/?"]
    )
    return head(method, path, token) + b"Content-Length: 0\r\n\r\n"


def too_large(chance: random.Random, token: str) -> bytes:
    """More than is read, announced or not."""
    if chance.random() < 0.5:
        return head("POST", "/graphql", token) + b"Content-Type: application/json\r\nContent-Length: 9999999\r\n\r\n"
    return post(b'{"query": "' + b"x" * 65_536 + b'"}', token)


def head(method: str, path: str, token: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {token}\r\n".encode("latin-1")


def post(body: bytes, token: str) -> bytes:
    kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    return head("POST", "/graphql", token) + kind + body


def resident(pid: int) -> int:
    """Bytes of memory that the process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def log_size(home: Path) -> int:
    return sum(path.stat().st_size for path in (home / "logs").glob("api.log*"))


KINDS: tuple[Callable[[random.Random, str], bytes], ...] = (
    noise,
    noise_as_body,
    broken_text,
    deep,
    huge_number,
    wrong_types,
    wrong_variables,
    word_salad,
    many,
    parameters,
    odd_headers,
    odd_address,
    too_large,
)
