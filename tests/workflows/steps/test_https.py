"""Requests over https, to servers of this machine with certificates of the test's own."""

import asyncio
import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.definitions import scene_at
from tests.workflows.steps.stepping import Moving
from tests.workflows.steps.test_requests import Hook
from trading_bot.errors.fault import Fault
from workflows.steps.requests import Requests

NAME = "hooks.example.com"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, of which `ca` is trusted, and what they certify."""
    folder = tmp_path_factory.mktemp("certificates")
    for authority in ("ca", "stranger"):
        made = ("-keyout", f"{authority}.key", "-out", f"{authority}.pem")
        openssl(folder, "req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={authority}", *made)
    certify(folder, "good", NAME)
    certify(folder, "of-another-name", "hooks.example.org")
    certify(folder, "of-a-stranger", NAME, authority="stranger")
    certify(folder, "over", NAME, days=-1)
    return folder


@pytest.fixture(autouse=True)
def _trusted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our authority stands for those that everybody trusts."""
    monkeypatch.setattr("certifi.where", lambda: str(folder / "ca.pem"))


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


def certify(folder: Path, file: str, name: str, *, authority: str = "ca", days: int = 2) -> None:
    asked = ("-addext", f"subjectAltName=DNS:{name}", "-keyout", f"{file}.key", "-out", f"{file}.csr")
    openssl(folder, "req", "-new", *KEY, "-subj", f"/CN={file}", *asked)
    signed = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-days", str(days), "-copy_extensions", "copy")
    openssl(folder, "x509", "-req", "-in", f"{file}.csr", *signed, "-out", f"{file}.pem")


@contextmanager
def serving(folder: Path, certificate: str) -> Iterator[tuple[int, list[Any]]]:
    """A server on this machine that shows the certificate: its port, and what came."""
    came: list[Any] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Noting", (Hook,), {"came": came}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, came
    server.shutdown()
    server.server_close()


def sent(home: Path, clock: Moving, path: str, found: list[tuple[str, ...]]) -> dict[str, Any]:
    """The answer to a request, where looking the name up finds these addresses, one after the other."""

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        assert host == NAME
        return found.pop(0)

    requests = Requests(allow_file=home / "config" / "workflow_allow.yaml", resolve=resolve)
    return asyncio.run(requests.run({"host": "hook", "path": [path]}, scene_at(clock)))


def test_a_certificate_of_the_name_is_accepted_and_the_connection_goes_to_the_judged_address(
    home: Path, allow: Callable[..., None], clock: Moving, folder: Path
) -> None:
    looked_up: list[tuple[str, ...]] = [("127.0.0.1",), ("10.0.0.1",)]
    with serving(folder, "good") as (port, came):
        allow(hosts={"hook": {"description": "Ours.", "origin": f"https://{NAME}:{port}", "private": True}})
        answer = sent(home, clock, "x", looked_up)

    assert answer == {"response_code": 200, "body": {"ok": True}}
    assert [(method, path, headers["Host"]) for method, path, headers, _ in came] == [("GET", "/x", f"{NAME}:{port}")]
    assert looked_up == [("10.0.0.1",)]  # nobody asked a second time


@pytest.mark.parametrize("certificate", ["of-another-name", "of-a-stranger", "over"])
def test_a_server_whose_certificate_is_not_good_is_told_nothing(
    home: Path, allow: Callable[..., None], clock: Moving, folder: Path, certificate: str
) -> None:
    with serving(folder, certificate) as (port, came):
        allow(hosts={"hook": {"description": "Ours.", "origin": f"https://{NAME}:{port}", "private": True}})
        with pytest.raises(Fault, match="WF_004: The request to `hook` got no answer: ConnectError"):
            sent(home, clock, "x", [("127.0.0.1",)])

    assert came == []


def test_a_redirect_to_another_host_is_an_answer_and_not_followed(
    home: Path, allow: Callable[..., None], clock: Moving, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(folder, "good") as (elsewhere, followed), serving(folder, "good") as (port, came):
        monkeypatch.setattr(Hook, "elsewhere", f"https://{NAME}:{elsewhere}/x")
        allow(hosts={"hook": {"description": "Ours.", "origin": f"https://{NAME}:{port}", "private": True}})
        answer = sent(home, clock, "away", [("127.0.0.1",), ("127.0.0.1",)])

    assert answer["response_code"] == 302
    assert (len(came), followed) == (1, [])


def test_a_name_that_the_machine_looks_up_to_a_private_address_is_not_followed(
    home: Path, allow: Callable[..., None], clock: Moving, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(folder, "good") as (port, came):
        answered = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered)
        allow(hosts={"hook": {"description": "Theirs.", "origin": f"https://{NAME}:{port}"}})
        requests = Requests(allow_file=home / "config" / "workflow_allow.yaml")
        with pytest.raises(Fault, match="WF_006: The name leads to this machine or a private network"):
            asyncio.run(requests.run({"host": "hook", "path": ["x"]}, scene_at(clock)))

    assert came == []
