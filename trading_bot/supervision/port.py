"""The API's port: whether it can be had."""

import errno
import socket

from trading_bot.errors.fault import Fault


def require_free(host: str, port: int) -> None:
    """Raises Fault SYS_004 when something listens there, and CFG_003 when this machine has no such address or refuses the port."""
    try:
        # Family and option as the server has them: connections that are closing don't count.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][4]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            cause = f"Another program listens on {host} port {port}."
            raise Fault("SYS_004", cause, context={"setting": "BOT_API_PORT", "port": port}) from None
        setting = "BOT_API_PORT" if error.errno in {errno.EACCES, errno.EPERM} else "BOT_API_HOST"
        cause = f"{setting} can't be used to listen on {host} port {port}: {error.strerror}."
        raise Fault("CFG_003", cause, context={"setting": setting}) from None
