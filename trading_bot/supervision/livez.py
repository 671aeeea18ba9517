"""One call of the API's `/livez`, without an HTTP client."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

LINE_BYTES = 200


async def status(address: str, *, host: str, timeout: float) -> int | None:  # noqa: ASYNC109 - a bound on the whole exchange
    """The HTTP status with which `address`/livez answers within `timeout` seconds; None where it doesn't.

    `host` is the name to ask for: the API refuses names that it doesn't know.
    """
    place = urlsplit(address)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(place.hostname, place.port)
            writer.write(f"GET /livez HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            line = await reader.readline()
        return int(line[:LINE_BYTES].split()[1])
    except (OSError, TimeoutError, ValueError, IndexError):
        return None
    finally:
        if writer is not None:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
