"""The API's process: `python -m graph`. Ends with 0 when asked to, 78 when it can't start as it is set up, 1 for a fault of ours."""

import gc
import signal
import socket
import sys
import uuid
from types import FrameType
from typing import Any

import structlog

from trading_bot.clock import SystemClock
from trading_bot.errors.block import block
from trading_bot.errors.fault import Fault
from trading_bot.logs.application import log_to
from trading_bot.logs.secrets import secrets_of
from trading_bot.settings import Settings, load_settings

# sysexits.h: what is wrong is how it is set up; starting it again would not help.
EX_CONFIG = 78
GARBAGE = (20_000, 20, 20)
"""A query that was never seen makes thousands of objects, few of them garbage: to look after every 700 takes a fifth of its time."""
RETRYABLE = frozenset({"SYS_002"})
BACKLOG = 512
UVICORN: dict[str, Any] = {
    "loop": "uvloop",
    "http": "graph.doors.connection:HttpProtocol",
    "ws": "graph.doors.wire:SocketProtocol",
    "lifespan": "on",  # or what must be closed at the end might silently not be
    "ws_max_size": 65_536,
    "ws_per_message_deflate": False,  # one compression for each connection would cost more than all the rest
    "timeout_graceful_shutdown": 4,  # seconds: the supervisor waits 5
    "server_header": False,
    "date_header": False,
    "access_log": False,
    "log_config": None,
}
"""How the server is set up."""


def main() -> int:
    """Serve the API of this home until it is asked to end."""
    try:
        settings = load_settings()
        settings.make_folders()
        log_to(settings.logs_dir / "api.log", secrets_of(settings))
        _serve(settings)
    except Fault as fault:
        _say(fault)
        is_missing = fault.context.get("found", "") is None  # the bot makes the store at its first start
        return 1 if fault.code in RETRYABLE or is_missing else EX_CONFIG
    except Exception as error:  # noqa: BLE001 - nobody is shown a bare traceback
        fault_id = uuid.uuid4().hex
        structlog.get_logger("graph").error("api_failed", fault_id=fault_id, exc_info=error)
        _say(Fault("SYS_001", "The API's process failed.", context={"fault_id": fault_id}))
        return 1
    return 0


def _serve(settings: Settings) -> None:
    listening = _listen(settings.api_host, settings.api_port)
    gc.disable()  # what is imported stays: to look for garbage in between costs a tenth of a second
    import uvicorn  # noqa: PLC0415 - heavy, and a taken port is told at once

    from graph.doors.ending import Server  # noqa: PLC0415 - imports it
    from graph.server import build_app  # noqa: PLC0415 - heavy likewise

    server = Server(uvicorn.Config(build_app(settings), **UVICORN))
    gc.freeze()
    gc.set_threshold(*GARBAGE)
    gc.enable()
    # uvicorn sends itself the signal again once it has ended; by then it means nothing more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ended_already)
    server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; SYS_004 when it can't."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        cause = f"The API can't listen on {host}, port {port}: {error.strerror}."
        raise Fault("SYS_004", cause, context={"host": host, "port": port}) from None
    return listening


def _ended_already(number: int, frame: FrameType | None) -> None:
    pass


def _say(fault: Fault) -> None:
    print(block(fault.semantic(now=SystemClock().now())), file=sys.stderr)  # noqa: T201 - its last words


if __name__ == "__main__":
    sys.exit(main())
