"""HTTP requests to hosts that the operator allows: no redirects, no proxy, no address that the host's name should not lead to.

The name is looked up once, every address that it has is judged, and the connection goes to a judged one; so a name that answers differently
the second time gains nothing. The certificate is still the name's.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson

from trading_bot.domain.commands import RiskLevel
from trading_bot.errors.fault import Fault
from workflows.model import Rehearsal, Scene, Step
from workflows.steps.allowance import LOOPBACK, AllowedHost, read_allowance
from workflows.steps.kind import SHOWN, Problem

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 65_536
"""Bytes of an answer; a larger one is refused."""
MAX_BODY = 65_536
CONNECT_SECONDS = 10.0
LONGEST_SEGMENT = 500
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""The public addresses of version 6; `is_global` takes what is not given out, and old private ones, for public too."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
Resolve = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""Addresses of a host name."""


async def addresses(host: str, port: int) -> tuple[str, ...]:
    """All addresses that the name has now."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Sends requests to hosts of the allow-list."""

    allow_file: Path
    """The allow-list, read anew each time."""
    resolve: Resolve = addresses
    """Looks names up."""

    def problems(self, step: Step) -> tuple[Problem, ...]:
        """What is wrong with a step that names a host."""
        given = step.parameters
        found = []
        if not {"response_code", "condition"} & set(step.validation):
            found.append(
                Problem(("validation",), "a request's success is its response code", "Write `response_code: 200`.")
            )
        try:
            host = self._find(given)
        except Fault as fault:
            return (*found, Problem(("parameters", "host"), fault.cause.rstrip("."), "Add it to workflow_allow.yaml."))
        method = given.get("method", "GET")
        if method not in host.methods:
            found.append(
                Problem(("parameters", "method"), f"{method} is not allowed for this host", "Allow it, or use another.")
            )
        if method == "GET" and "body" in given:
            found.append(Problem(("parameters", "body"), "a GET request has no body", "Remove it, or use POST."))
        return tuple(found)

    def risk(self, given: Mapping[str, Any]) -> RiskLevel:
        """LOW for one that reads, else as the operator says; HIGH where it is not allowed any more."""
        if not self.writes(given):
            return RiskLevel.LOW
        try:
            return self._find(given).risk
        except Fault:
            return RiskLevel.HIGH

    def writes(self, given: Mapping[str, Any]) -> bool:
        """Whether the request may change anything."""
        return bool(given.get("method", "GET") != "GET")

    def rehearse(self, given: Mapping[str, Any]) -> Rehearsal:
        """What would be sent where. Raises WF_006."""
        host = self._find(given)
        effect = f"{given.get('method', 'GET')} {host.scheme}://{host.host}: {host.description}"
        return Rehearsal(effect=effect[:SHOWN], risk=self.risk(given), is_skipped=False)

    async def run(self, given: Mapping[str, Any], scene: Scene) -> dict[str, Any]:
        """Send it and give the answer back. Raises WF_006 where it is not allowed, WF_004 where there is no answer."""
        import httpx  # noqa: PLC0415 - loads slowly, and few workflows need it

        host = self._find(given)
        method = str(given.get("method", "GET"))
        if method not in host.methods:
            raise _refused(host.name, f"{method} is not allowed for this host.")
        target = _target(host, given)
        content = _body(given)
        address = await self._judged(host)
        shown = f"[{address}]" if ":" in address else address
        port = "" if host.port == (443 if host.scheme == "https" else 80) else f":{host.port}"
        name = f"[{host.host}]" if ":" in host.host else host.host
        headers = {
            "Host": f"{name}{port}",
            "User-Agent": "botgraph",
            "Accept": "application/json, text/plain",
            "Accept-Encoding": "identity",
        }
        if method != "GET":
            headers["Idempotency-Key"] = scene.idempotency_key
        if content is not None:
            headers["Content-Type"] = "application/json"
        request = httpx.Request(
            method,
            f"{host.scheme}://{shown}:{host.port}{target}",
            headers=headers,
            content=content,
            extensions={"sni_hostname": host.host, "timeout": httpx.Timeout(None, connect=CONNECT_SECONDS).as_dict()},
        )
        try:
            return await _sent(request)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError) as error:
            cause = f"The request to `{host.name}` got no answer: {type(error).__name__}."
            raise Fault("WF_004", cause, context={"host": host.name}) from None

    async def _judged(self, host: AllowedHost) -> str:
        """An address of the host that may be connected to. Raises WF_006 where any of its addresses may not."""
        try:
            found = await self.resolve(host.host, host.port)
        except OSError:
            raise Fault("WF_004", "The host has no address.", context={"host": host.name}) from None
        for address in found:
            reason = _unwanted(address, host)
            if reason is not None:
                raise _refused(host.name, f"The name leads to {reason}, which this host may not.")
        if not found:
            raise Fault("WF_004", "The host has no address.", context={"host": host.name})
        return found[0]

    def _find(self, given: Mapping[str, Any]) -> AllowedHost:
        name = given.get("host")
        hosts = read_allowance(self.allow_file).hosts
        if not isinstance(name, str) or name not in hosts:
            raise _refused(str(name), "The host is not on the allow-list.")
        return hosts[name]


async def _sent(request: "httpx.Request") -> dict[str, Any]:
    import httpx  # noqa: PLC0415 - as above

    async with httpx.AsyncClient(trust_env=False, follow_redirects=False) as client:
        response = await client.send(request, stream=True)
        try:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                # A few bytes could become any number of them.
                raise Fault("WF_004", "The answer is compressed, though that was not asked for.")
            kept = bytearray()
            async for chunk in response.aiter_raw():
                kept += chunk
                if len(kept) > MAX_ANSWER:
                    raise Fault(
                        "WF_004", f"The answer has more than {MAX_ANSWER} bytes.", context={"bytes": MAX_ANSWER}
                    )
        finally:
            await response.aclose()
    return {"response_code": response.status_code, "body": _read(bytes(kept))}


def _read(raw: bytes) -> Any:
    """The answer as JSON data, or as text where it is none."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def _target(host: AllowedHost, given: Mapping[str, Any]) -> str:
    """Path and query, each segment and value quoted by itself. Raises WF_006 for a path that is not allowed."""
    segments = [str(one) for one in given.get("path", ())]
    if any(one in {"", ".", ".."} or len(one) > LONGEST_SEGMENT for one in segments):
        raise _refused(host.name, "A segment of the path is empty, too long, or leads elsewhere.")
    path = "/" + "/".join(quote(one, safe="") for one in segments)
    if not any(
        prefix == "/" or path == prefix.rstrip("/") or path.startswith(prefix.rstrip("/") + "/")
        for prefix in host.paths
    ):
        raise _refused(host.name, "The path is not on the allow-list.")
    query = {str(name): value for name, value in given.get("query", {}).items()}
    if any(isinstance(value, bool) or not isinstance(value, str | int) for value in query.values()):
        raise _refused(host.name, "A value of the query is neither text nor a whole number.")
    return path + (f"?{urlencode(query)}" if query else "")


def _body(given: Mapping[str, Any]) -> bytes | None:
    if "body" not in given:
        return None
    raw = orjson.dumps(given["body"])
    if len(raw) > MAX_BODY:
        raise Fault("WF_004", f"The body has more than {MAX_BODY} bytes.", context={"bytes": len(raw)})
    return raw


def _unwanted(address: str, host: AllowedHost) -> str | None:
    """What kind of address it is that the host may not have; null where it may."""
    found = _meant(ipaddress.ip_address(address.partition("%")[0]))
    is_public = found.is_global and (found.version == 4 or found in _UNICAST)  # noqa: PLR2004 - IP's version
    if found.is_link_local or found.is_multicast or found.is_unspecified:
        return "an address of no host, or of the cloud's own services"
    if host.scheme == "http" and not found.is_loopback:
        return "another machine, without encryption"
    if not is_public and not host.is_private and not (found.is_loopback and host.host in LOOPBACK):
        return "this machine or a private network"
    return None


def _meant(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Where a connection ends: the IPv4 address that one of version 6 stands for, mapped, over 6to4 or NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _refused(name: str, cause: str) -> Fault:
    return Fault("WF_006", cause, context={"host": name[:64]})
