"""Thousands of malformed WebSocket messages: each closes its socket with 4400, none ends it abnormally."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.api.client import PROTOCOL, Api

AT_ONCE = 8
VALID: tuple[dict[str, Any], ...] = (
    {"type": "connection_init", "payload": {"X-API-Key": "bg_0_none"}},
    {"type": "ping", "payload": {"n": 1}},
    {"type": "pong", "payload": {"n": 1}},
    {"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { name } }", "variables": {}, "operationName": ""}},
    {"type": "complete", "id": "1"},
)
NOT_JSON = (
    "NaN",
    "Infinity",
    "{'type': 'ping'}",
    '{"type": "ping"} {"type": "ping"}',
    '{"type": "ping",}',
    '\ufeff{"type": "ping"}',
    '{"type": "ping" /* */}',
    '{"type": "\\ud800"}',
    '{"type": "ping", "payload": {"n": 1e400}}',
    '{"type": "ping", "payload": {"n": 01}}',
    "\x00",
    " ",
)
WRONG: tuple[Any, ...] = (True, 7, -1.5e300, 10**30, [], ["x"], [[{}]])
"""What no property of a message may be."""


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_every_malformed_message_closes_its_socket_with_4400(shared_api: Api, count: int) -> None:
    chance = random.Random(count)
    frames = [chance.choice(KINDS)(chance) for _ in range(count)]

    assert asyncio.run(close_codes(shared_api, frames)) == {4400: count}


async def close_codes(api: Api, frames: list[str | bytes | list[bytes]]) -> Counter[int]:
    """With which code each of them closed a socket of its own; every second socket was let in before."""
    codes: Counter[int] = Counter()
    waiting = iter(enumerate(frames))

    async def work() -> None:
        for number, frame in waiting:
            codes[await close_code(api, frame, is_let_in=number % 2 == 0)] += 1

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return codes


async def close_code(api: Api, frame: str | bytes | list[bytes], *, is_let_in: bool) -> int:
    url = f"ws://127.0.0.1:{api.port}/graphql"
    async with connect(url, subprotocols=[PROTOCOL], compression=None) as connection:  # type: ignore[list-item]
        if is_let_in:
            await connection.send(json.dumps({"type": "connection_init", "payload": {"X-API-Key": api.token}}))
            assert json.loads(await connection.recv()) == {"type": "connection_ack"}
        try:
            await connection.send(frame, text=isinstance(frame, list) or None)
            async with asyncio.timeout(20):
                while True:
                    await connection.recv()
        except ConnectionClosed as closed:
            return 1006 if closed.rcvd is None else closed.rcvd.code


def binary(chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(1, 200))


def text_that_is_not_utf8(chance: random.Random) -> list[bytes]:
    """A message in up to three frames."""
    raw = json.dumps(chance.choice(VALID)).encode()
    at = chance.randrange(len(raw))
    broken = raw[:at] + chance.choice([b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"]) + raw[at:]
    third = len(broken) // 3
    return chance.choice([[broken], [broken[:third], broken[third : 2 * third], broken[2 * third :]]])


def cut_short(chance: random.Random) -> str:
    text = json.dumps(chance.choice(VALID))
    return text[: chance.randrange(len(text))]


def no_json(chance: random.Random) -> str:
    return chance.choice(NOT_JSON)


def no_object(chance: random.Random) -> str:
    return json.dumps(chance.choice([None, "ping", *WRONG]))


def too_deep(chance: random.Random) -> str:
    depth = chance.choice([300, 900, 1_100, 10_000])  # orjson writes 254 levels and reads 1,024
    return '{"type": "ping", "payload": {"x": ' + "[" * depth + "]" * depth + "}}"


def unknown_type(chance: random.Random) -> str:
    return json.dumps(
        {**chance.choice(VALID), "type": chance.choice(["", "start", "PING", "ping ", "é" * 900, None, *WRONG])}
    )


def without_a_property(chance: random.Random) -> str:
    message = dict(chance.choice([VALID[3], VALID[4]]))
    del message[chance.choice([name for name in message if (message["type"], name) != ("complete", "payload")])]
    return json.dumps(message)


def wrong_property(chance: random.Random) -> str:
    message = dict(chance.choice(VALID))
    name = chance.choice([name for name in message if name != "type"])
    return json.dumps({**message, name: chance.choice(WRONG)})


def wrong_payload(chance: random.Random) -> str:
    name = chance.choice(["query", "variables", "operationName", "extensions"])
    return json.dumps({**VALID[3], "payload": {"query": "{ viewer { name } }", name: chance.choice(WRONG)}})


KINDS: tuple[Callable[[random.Random], str | bytes | list[bytes]], ...] = (
    binary,
    text_that_is_not_utf8,
    cut_short,
    no_json,
    no_object,
    too_deep,
    unknown_type,
    without_a_property,
    wrong_property,
    wrong_payload,
)
