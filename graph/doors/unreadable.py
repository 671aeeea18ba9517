"""Unreadable: uvicorn's HTTP protocol, made to answer what is no HTTP request, or too long for one, in the shape of all errors."""

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from graph.guard.errors import ErrorShape
from graph.guard.json import as_json
from trading_bot.clock import SystemClock
from trading_bot.errors.fault import Fault

_SHAPE = ErrorShape(now=SystemClock().now, log=structlog.get_logger(__name__))
_LINES = (
    "HTTP/1.1 400 Bad Request",
    "Content-Type: application/json; charset=utf-8",
    "Content-Length: {}",
    "Cache-Control: no-store",
    "Connection: close",
    "\r\n",
)


class HttpProtocol(HttpToolsProtocol):
    """One connection. It learns nothing from the request: that could not be read."""

    def send_400_response(self, msg: str) -> None:
        """Say that nothing was read, and close the connection."""
        fault = Fault(
            "QRY_001",
            "It is not HTTP/1.1, or its address or headers are too long to be read.",
            message="The request can't be read",
            remediation="Send HTTP/1.1 with an address below 60,000 bytes: a long document goes into the body of a POST.",
        )
        body = as_json({"errors": [_SHAPE.of_fault(fault)]})
        self.transport.write("\r\n".join(_LINES).format(len(body)).encode() + body)
        self.transport.close()
