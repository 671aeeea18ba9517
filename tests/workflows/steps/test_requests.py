"""Requests to hosts of the operator's list, sent for real to this machine: each part quoted, each address judged."""

import asyncio
import gzip
import http.server
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.definitions import scene_at
from tests.workflows.steps.stepping import Moving, refused, run, step_of
from trading_bot.domain.commands import RiskLevel
from trading_bot.domain.errors import Scope
from trading_bot.errors.fault import Fault
from workflows.installation import Installation
from workflows.steps.allowance import read_allowance
from workflows.steps.requests import Requests


class Hook(http.server.BaseHTTPRequestHandler):
    """Answers as its path says, and notes what came."""

    came: list[tuple[str, str, dict[str, str], bytes]]
    elsewhere = "http://169.254.169.254/latest/meta-data"

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.came.append((self.command, self.path, dict(self.headers), self.rfile.read(size)))
        match self.path.split("?")[0].rpartition("/")[2]:
            case "away":
                self.answer(302, b"", Location=self.elsewhere)
            case "large":
                self.answer(200, b"x" * 100_000)
            case "broken":
                self.answer(500, b"{}")
            case "bomb":
                self.answer(200, b"[" * 50_000)
            case "compressed":
                self.answer(200, gzip.compress(b"x" * 10_000_000), **{"Content-Encoding": "gzip"})
            case _:
                self.answer(200, b'{"ok": true}')

    do_GET = do_POST  # noqa: N815 - the server's names

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[tuple[int, list[Any]]]:
    """A server on this machine: its port and what came."""
    came: list[Any] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Noting", (Hook,), {"came": came}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, came
    server.shutdown()
    server.server_close()


def test_a_request_is_sent_with_each_part_quoted(
    here: Installation, allow: Callable[..., None], clock: Moving, hook: tuple[int, list[Any]]
) -> None:
    port, came = hook
    allow(
        hosts={
            "hook": {
                "description": "Ours.",
                "origin": f"http://127.0.0.1:{port}",
                "methods": ["POST"],
                "paths": ["/services"],
            }
        }
    )
    given = {
        "host": "hook",
        "path": ["services", "${{ parameters.x }}"],
        "method": "POST",
        "query": {"q": "${{ parameters.x }}"},
        "body": {"text": "${{ parameters.x }}"},
    }
    step = step_of(here, "api_call", given, {"response_code": 200, "condition": "output.body.ok"})
    output = run(here, step, scene_at(clock, parameters={"x": 'a/../b?c&d=e"%'}))

    method, path, headers, body = came[0]
    assert (method, path) == ("POST", "/services/a%2F..%2Fb%3Fc%26d%3De%22%25?q=a%2F..%2Fb%3Fc%26d%3De%22%25")
    assert json.loads(body) == {"text": 'a/../b?c&d=e"%'}
    assert headers["Host"] == f"127.0.0.1:{port}"
    assert headers["Idempotency-Key"] == "5a6cf1a4-0d6a-4b57-9c36-2d6a54b1f0ab:only"
    assert output == {"response_code": 200, "body": {"ok": True}}
    assert (step.is_repeatable, here.steps.writes(step), here.steps.worst_risk(step)) == (False, True, RiskLevel.HIGH)


@pytest.mark.parametrize(
    ("path", "code", "cause"),
    [
        (["services", "away"], "WF_004", "expected response_code 200, was 302"),
        (["services", "broken"], "WF_004", "expected response_code 200, was 500"),
        (["services", "large"], "WF_004", "more than 65536 bytes"),
        (["services", "compressed"], "WF_004", "compressed, though that was not asked for"),
        (["other"], "WF_006", "The path is not on the allow-list."),
        (["servicesX"], "WF_006", "The path is not on the allow-list."),
        (["services", ".."], "WF_006", "leads elsewhere"),
        (["services", "x" * 501], "WF_006", "leads elsewhere"),
    ],
)
def test_what_is_not_as_it_should_be_fails_the_step(
    here: Installation,
    allow: Callable[..., None],
    clock: Moving,
    hook: tuple[int, list[Any]],
    *,
    path: list[str],
    code: str,
    cause: str,
) -> None:
    port, came = hook
    allow(hosts={"hook": {"description": "Ours.", "origin": f"http://127.0.0.1:{port}", "paths": ["/services/"]}})
    step = step_of(here, "api_call", {"host": "hook", "path": path}, {"response_code": 200})
    fault = refused(code, here, step, scene_at(clock))

    assert cause in fault.cause
    assert len(came) == (1 if code == "WF_004" else 0)


@pytest.mark.parametrize(
    ("given", "validation", "cause"),
    [
        ({"path": ["x"]}, {"status": "OK"}, "a request's success is its response code"),
        ({"path": ["x"], "method": "PUT"}, {"response_code": 200}, "PUT is not allowed for this host"),
        ({"path": ["x"], "body": {}}, {"response_code": 200}, "a GET request has no body"),
    ],
)
def test_a_step_that_can_not_send_its_request_is_not_loaded(
    here: Installation, allow: Callable[..., None], given: dict[str, Any], validation: dict[str, Any], cause: str
) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com"}})

    with pytest.raises(Fault, match="WF_001") as raised:
        step_of(here, "api_call", {"host": "hook", **given}, validation)
    assert cause in raised.value.cause


def test_a_request_is_rehearsed_by_where_it_goes(here: Installation, allow: Callable[..., None], clock: Moving) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com"}})
    step = step_of(here, "api_call", {"host": "hook", "path": ["x"]}, {"response_code": 200})
    found = asyncio.run(here.steps.rehearse(step, scene_at(clock)))

    assert (found.effect, found.risk) == ("GET https://hooks.example.com: Ours.", RiskLevel.LOW)
    assert (step.is_repeatable, here.steps.needed_scope(step)) == (True, Scope.READ)
    allow(hosts={})
    assert "not on the allow-list" in refused("WF_006", here, step, scene_at(clock)).cause


@pytest.mark.parametrize("query", [{"q": ["a"]}, {"q": True}, {"q": None}])
def test_a_query_has_plain_values(
    here: Installation, allow: Callable[..., None], clock: Moving, query: dict[str, Any]
) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com"}})
    step = step_of(here, "api_call", {"host": "hook", "path": ["x"], "query": query}, {"response_code": 200})

    assert "neither text nor a whole number" in refused("WF_006", here, step, scene_at(clock)).cause


def test_a_body_without_end_is_not_sent(here: Installation, allow: Callable[..., None], clock: Moving) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com", "methods": ["POST"]}})
    given = {"host": "hook", "path": ["x"], "method": "POST", "body": "${{ parameters.x }}"}
    step = step_of(here, "api_call", given, {"response_code": 200})
    fault = refused("WF_004", here, step, scene_at(clock, parameters={"x": "x" * 70_000}))

    assert fault.cause == "The body has more than 65536 bytes."


def test_a_host_without_an_address_fails_the_step(home: Path, allow: Callable[..., None], clock: Moving) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": "https://hooks.example.com"}})
    requests = Requests(allow_file=home / "config" / "workflow_allow.yaml", resolve=nowhere)

    with pytest.raises(Fault, match="WF_004: The host has no address"):
        asyncio.run(requests.run({"host": "hook", "path": ["x"]}, scene_at(clock)))


async def nowhere(host: str, port: int) -> tuple[str, ...]:
    """A name that leads nowhere."""
    return ()


def test_an_answer_that_is_no_json_is_text(
    here: Installation, allow: Callable[..., None], clock: Moving, hook: tuple[int, list[Any]]
) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": f"http://127.0.0.1:{hook[0]}"}})
    output = run(
        here, step_of(here, "api_call", {"host": "hook", "path": ["bomb"]}, {"response_code": 200}), scene_at(clock)
    )

    assert output["body"] == "[" * 50_000


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (("10.0.0.1",), "this machine or a private network"),
        (("127.0.0.1",), "this machine or a private network"),
        (("93.184.215.14", "192.168.1.1"), "this machine or a private network"),
        (("169.254.169.254",), "of the cloud's own services"),
        (("::ffff:169.254.169.254",), "of the cloud's own services"),
        (("::1",), "this machine or a private network"),
        (("0.0.0.0",), "of the cloud's own services"),
        (("fe80::1%eth0",), "of the cloud's own services"),
        (("fd00::1",), "this machine or a private network"),
        (("224.0.0.1",), "of the cloud's own services"),
        (("fec0::1",), "this machine or a private network"),
        (("::10.0.0.1",), "this machine or a private network"),
        (("2002:a00:1::1",), "this machine or a private network"),
        (("64:ff9b::192.168.1.1",), "this machine or a private network"),
        (("64:ff9b::169.254.169.254",), "of the cloud's own services"),
        (("100.64.0.1",), "this machine or a private network"),
    ],
)
def test_a_name_that_leads_where_it_must_not_is_not_followed(
    home: Path, allow: Callable[..., None], clock: Moving, found: tuple[str, ...], cause: str
) -> None:
    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return found

    allow(hosts={"hook": {"description": "Theirs.", "origin": "https://hooks.example.com"}})
    requests = Requests(allow_file=home / "config" / "workflow_allow.yaml", resolve=resolve)
    with pytest.raises(Fault, match="WF_006") as raised:
        asyncio.run(requests.run({"host": "hook", "path": ["x"]}, scene_at(clock)))

    assert cause in raised.value.cause


def test_plain_http_is_for_this_machine_only(home: Path, allow: Callable[..., None], clock: Moving) -> None:
    allow(hosts={"hook": {"description": "Theirs.", "origin": "http://hooks.example.com"}})

    with pytest.raises(Fault, match="plain http is only for this machine itself"):
        read_allowance(home / "config" / "workflow_allow.yaml")


def test_the_certificate_is_that_of_the_name_though_the_connection_goes_to_the_judged_address(
    home: Path, allow: Callable[..., None], clock: Moving
) -> None:
    """A server without a certificate for the name is not spoken to."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda connection, name, _: asked.append(name)

    async def talk() -> None:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        allow(hosts={"hook": {"description": "Ours.", "origin": f"https://hooks.example.com:{port}", "private": True}})

        async def resolve(host: str, port: int) -> tuple[str, ...]:
            return ("127.0.0.1",)

        requests = Requests(allow_file=home / "config" / "workflow_allow.yaml", resolve=resolve)
        async with server:
            with pytest.raises(Fault, match="WF_004.*ConnectError"):  # noqa: RUF043 - meant
                await requests.run({"host": "hook", "path": ["x"]}, scene_at(clock))

    asyncio.run(talk())
    assert asked == ["hooks.example.com"]


@pytest.mark.parametrize(
    ("origin", "port"),
    [("https://hooks.example.com", 443), ("http://127.0.0.1", 80), ("https://hooks.example.com:8443", 8443)],
)
def test_a_host_is_reached_at_its_schemes_port_unless_it_names_one(
    home: Path, allow: Callable[..., None], origin: str, port: int
) -> None:
    allow(hosts={"hook": {"description": "Ours.", "origin": origin}})

    assert read_allowance(home / "config" / "workflow_allow.yaml").hosts["hook"].port == port
