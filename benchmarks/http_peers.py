"""What an answer costs the server, beside peers that send the same behind the same guards: FastAPI, Starlette, stock Strawberry."""

import asyncio
import itertools
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.answer_latency import STATE, SUMMARY
from benchmarks.homes import busy_home
from benchmarks.load import request
from benchmarks.load import run as load
from benchmarks.peers.guarded import ANSWERS
from benchmarks.served import Served, free_port, served
from benchmarks.table import Table

CONNECTIONS = 4
COLD = "{ botState { seq runs%d: timestamp account { buyingPower accountBalance cashBalance } positions(first: 5) { symbol quantity entryPrice unrealizedPl } health { status reason } performance { totalPl tradesToday } } }"  # noqa: E501
"""A query as a language model writes one; the number makes it one that was never seen."""
SAME_SIZE = 0.1
"""Share by which the bodies of two servers may differ in length: what the clock moves was taken earlier."""
_numbers = itertools.count()


@dataclass(slots=True, kw_only=True)
class Case:
    """One kind of request to one server."""

    name: str
    server: Served
    requests: Callable[[int], list[bytes]]
    """Makes so many."""
    cpu: list[float] = field(default_factory=list)
    """Microseconds a request, by round."""
    p50: list[float] = field(default_factory=list)
    """Milliseconds, by round."""
    size: float = 0.0
    """Bytes of an answer, in the last round."""

    def measure(self, count: int) -> None:
        """One round."""
        requests = self.requests(count)
        before = self.server.cpu_seconds()
        seen = asyncio.run(load(self.server.port, requests, connections=CONNECTIONS, total=count))
        if seen.statuses != {200}:
            msg = f"{self.name} was answered with {sorted(seen.statuses)}."
            raise RuntimeError(msg)
        self.cpu.append((self.server.cpu_seconds() - before) / count * 1e6)
        self.p50.append(seen.quantile(0.5) * 1e3)
        self.size = seen.bytes_received / count


def run(quick: bool) -> Table:  # noqa: FBT001 - every benchmark has this signature
    """CPU of each kind of answer as a ratio to its peer's."""
    rounds, count = (2, 100) if quick else (9, 400)
    with tempfile.TemporaryDirectory(prefix="botgraph-bench-") as folder, ExitStack() as stack:
        ports = [free_port() for _ in range(4)]
        settings, token = busy_home(Path(folder) / "home", port=ports[0])
        environment = {**settings.environment(), ANSWERS: folder}
        headers = {"X-API-Key": token, "Content-Type": "application/json"}

        def start(module: str, port: int) -> Served:
            return stack.enter_context(served(module, {**environment, "BOT_API_PORT": str(port)}, port=port))

        api = start("graph", ports[0])
        first = _first_answer(api, headers)
        for name, query in (("state", STATE), ("summary", SUMMARY)):
            body = httpx.post(f"http://127.0.0.1:{api.port}/graphql", json={"query": query}, headers=headers).content
            (Path(folder) / f"{name}.json").write_bytes(body)
        peers = {name: start(f"benchmarks.peers.{name}", port) for name, port in zip(_PEERS, ports[1:], strict=True)}
        cases = _cases(api, peers, headers)
        for case in cases.values():
            case.measure(50)
            case.cpu.clear()
            case.p50.clear()
        for _ in range(rounds):
            for case in cases.values():
                case.measure(count)
        resident = api.resident_bytes()
    return Table(
        title="What an answer costs",
        columns=("answer", "server CPU µs", "p50 ms", "compared with", "its CPU µs", "ratio", "target"),
        rows=(
            *(_row(cases, *compared) for compared in _COMPARED),
            ("start to first answer", "", f"{first * 1e3:,.0f}", "", "", "", "under 1,500 ms"),
            ("memory after all that", f"{resident / 1e6:.0f} MB", "", "", "", "", "under 130 MB"),
        ),
        note=(
            f"A bot with 20 positions and 20 live orders, {CONNECTIONS} connections; all servers on one core, behind the same Host check, "
            "key, rate and log line. CPU is the scheduler's account of the server's process for each request, the median of interleaved "
            "rounds; the ratio is the median of the rounds' ratios. Made anew: asked with `Cache-Control: no-cache`. All of "
            "these are answered straight from the connection, with their log lines written together, ten times a second; the peers write "
            "each alone."
        ),
    )


_PEERS = ("fast", "same_bytes", "stock")
_COMPARED = (
    ("state, made anew", "state, FastAPI", "≤ 0.9"),
    ("summary, made anew", "summary, FastAPI", "≤ 0.6"),
    ("state, repeated", "state, FastAPI", "≤ 0.3"),
    ("summary, repeated", "summary, FastAPI", "≤ 0.3"),
    ("state, repeated", "state, Starlette sending bytes", ""),
    ("summary, repeated", "summary, Starlette sending bytes", ""),
    ("never seen before", "never seen before, stock Strawberry", "≤ 0.25"),
    ("state, made anew", "state, stock Strawberry", ""),
    ("summary, made anew", "summary, stock Strawberry", ""),
)


def _cases(api: Served, peers: dict[str, Served], headers: dict[str, str]) -> dict[str, Case]:
    anew = {**headers, "Cache-Control": "no-cache"}
    cases = [Case(name="never seen before", server=api, requests=lambda count: _cold("/graphql", count, headers))]
    stock = Case(
        name="never seen before, stock Strawberry",
        server=peers["stock"],
        requests=lambda count: _cold("/graphql/", count, headers),
    )
    cases.append(stock)
    for name, query in (("state", STATE), ("summary", SUMMARY)):
        cases += [
            Case(name=f"{name}, made anew", server=api, requests=_same("/graphql", query, anew)),
            Case(name=f"{name}, repeated", server=api, requests=_same("/graphql", query, headers)),
            Case(name=f"{name}, FastAPI", server=peers["fast"], requests=_same(f"/{name}", query, headers)),
            Case(
                name=f"{name}, Starlette sending bytes",
                server=peers["same_bytes"],
                requests=_same(f"/{name}", query, headers),
            ),
            Case(name=f"{name}, stock Strawberry", server=peers["stock"], requests=_same("/graphql/", query, headers)),
        ]
    return {case.name: case for case in cases}


def _same(path: str, query: str, headers: dict[str, str]) -> Callable[[int], list[bytes]]:
    one = request(path, body=json.dumps({"query": query}).encode(), headers=headers)
    return lambda count: [one]


def _cold(path: str, count: int, headers: dict[str, str]) -> list[bytes]:
    texts: Iterator[str] = (COLD % next(_numbers) for _ in range(count))
    return [request(path, body=json.dumps({"query": text}).encode(), headers=headers) for text in texts]


def _row(cases: dict[str, Case], ours: str, theirs: str, target: str) -> tuple[str, ...]:
    one, other = cases[ours], cases[theirs]
    if abs(one.size / other.size - 1) > SAME_SIZE:  # one of the two answers something else, such as an error
        msg = f"{ours} takes {one.size:.0f} bytes, {theirs} {other.size:.0f}."
        raise RuntimeError(msg)
    ratio = statistics.median(a / b for a, b in zip(one.cpu, other.cpu, strict=True))
    return (
        ours,
        f"{statistics.median(one.cpu):,.0f}",
        f"{statistics.median(one.p50):.2f}",
        theirs,
        f"{statistics.median(other.cpu):,.0f}",
        f"{ratio:.2f}",
        target,
    )


def _first_answer(api: Served, headers: dict[str, str]) -> float:
    """Seconds from the start of the process to its first answer to a query."""
    with httpx.Client() as client:
        answered = client.post(f"http://127.0.0.1:{api.port}/graphql", json={"query": SUMMARY}, headers=headers)
    answered.raise_for_status()
    return api.started_seconds + answered.elapsed.total_seconds()
