"""One subscription to the running API, as the terminal makes it: graphql-transport-ws over a socket of its own."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from graph.doors.api_call import TIMEOUT_SECONDS, fault_of, host_of, key_of
from trading_bot.errors.fault import Fault
from trading_bot.settings import Settings

PROTOCOL = "graphql-transport-ws"


def watch(settings: Settings, query: str, variables: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The `data` of each answer until the subscription ends. Raises as `api_call.call`; SYS_006 where the connection breaks."""
    from websockets.exceptions import WebSocketException  # noqa: PLC0415 - a tenth of a second, for those who watch
    from websockets.sync.client import connect  # noqa: PLC0415 - likewise
    from websockets.typing import Subprotocol  # noqa: PLC0415 - likewise

    place = urlsplit(settings.api_address)
    address = f"ws://{host_of(settings)}:{place.port}/graphql"
    try:
        opened = socket.create_connection((place.hostname or "", place.port or 0), timeout=TIMEOUT_SECONDS)
        with connect(address, sock=opened, subprotocols=[Subprotocol(PROTOCOL)], open_timeout=TIMEOUT_SECONDS) as wire:
            wire.send(json.dumps({"type": "connection_init", "payload": {"X-API-Key": key_of(settings)}}))
            json.loads(wire.recv(timeout=TIMEOUT_SECONDS))
            payload = {"query": query, "variables": variables}
            wire.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            yield from _answers(wire)
    except (OSError, WebSocketException, ValueError) as error:
        cause = f"{settings.api_address} ended the connection: {type(error).__name__}."
        raise Fault("SYS_006", cause, context={"address": settings.api_address}) from None


def _answers(wire: Any) -> Iterator[dict[str, Any]]:
    """What comes, until the server says that it was all. `wire` is a connection of websockets, which is imported only then."""
    for raw in wire:
        match json.loads(raw):
            case {"type": "next", "payload": {"errors": [{"message": str()} as error, *_]}}:
                raise fault_of(error)
            case {"type": "next", "payload": {"data": dict(data)}}:
                yield data
            case {"type": "error", "payload": [{"message": str()} as error, *_]}:
                raise fault_of(error)
            case {"type": "complete"}:
                return
            case {"type": "ping"}:
                wire.send(json.dumps({"type": "pong"}))
            case _:
                pass
