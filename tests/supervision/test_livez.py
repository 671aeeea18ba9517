import asyncio

import pytest

from trading_bot.supervision.livez import status


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 503),
        (b"", None),
        (b"nonsense", None),
        (b"HTTP/1.1 abc\r\n", None),
    ],
)
def test_the_status_is_what_the_server_says(answer: bytes, expected: int | None) -> None:
    asked: list[bytes] = []

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    async def ask() -> int | None:
        async with await asyncio.start_server(answering, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await status(f"http://127.0.0.1:{port}", host="bot.example", timeout=5)

    assert asyncio.run(ask()) == expected
    assert asked == [b"GET /livez HTTP/1.1\r\nHost: bot.example\r\nConnection: close\r\n\r\n"]


def test_a_server_that_accepts_and_says_nothing_gives_no_status() -> None:
    async def ask() -> int | None:
        silent = asyncio.Event()

        async def waiting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await silent.wait()
            writer.close()

        async with await asyncio.start_server(waiting, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            try:
                return await status(f"http://127.0.0.1:{port}", host="localhost", timeout=0.05)
            finally:
                silent.set()

    assert asyncio.run(ask()) is None


def test_a_closed_port_gives_no_status(unused_port: int) -> None:
    assert asyncio.run(status(f"http://127.0.0.1:{unused_port}", host="localhost", timeout=1)) is None
