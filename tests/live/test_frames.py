"""Messages that are put together from shared parts are what any WebSocket library reads."""

import json
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from graph.live import frames
from graph.live.payload import Payload


def read(raw: bytes, bits: int = 15) -> tuple[Opcode, str]:
    """One frame, as a client of the library reads it; the frame must end with `raw`."""
    reader = StreamReader()
    reader.feed_data(raw)
    reader.feed_eof()
    extension = PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=bits,
        local_max_window_bits=bits,
    )
    frame: Frame = result(Frame.parse(reader.read_exact, mask=False, extensions=[extension]))
    assert result(reader.at_eof())
    assert frame.fin
    return frame.opcode, bytes(frame.data).decode()


def result(parsing: Generator[None, None, Any]) -> Any:
    """What a parser returns that has all it needs."""
    with pytest.raises(StopIteration) as done:
        next(parsing)
    return done.value.value


@pytest.mark.parametrize("size", [1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 200_000])
def test_a_text_of_any_size_is_one_frame(size: int) -> None:
    assert read(frames.text(b"x" * size)) == (Opcode.TEXT, "x" * size)


@pytest.mark.parametrize("size", [2, 40, 126, 1_023, 1_024, 20_000, 65_400, 65_536, 300_000])
@pytest.mark.parametrize("bits", [9, 12, 15])
def test_a_message_is_the_same_compressed_or_not(size: int, bits: int) -> None:
    payload = Payload(json.dumps({"data": "ab" * (size // 2)}).encode())
    opening = frames.opening("3f1c")
    expected = f'{{"type":"next","id":"3f1c","payload":{payload.raw.decode()}}}'

    assert read(frames.message(opening, payload)) == (Opcode.TEXT, expected)
    assert read(frames.deflated_message(opening, payload, bits), bits) == (Opcode.TEXT, expected)


def test_a_payload_is_compressed_once_for_all_ids() -> None:
    payload = Payload(json.dumps([f"line {number}" for number in range(2_000)]).encode())
    first = frames.deflated_message(frames.opening("a"), payload, 15)
    second = frames.deflated_message(frames.opening("bb"), payload, 15)
    shared = payload.deflated(15)

    assert payload.deflated(15) is shared
    assert first.endswith(shared)
    assert second.endswith(shared)
    assert len(first) < len(payload.raw) / 3


@pytest.mark.parametrize("size", [65_400, 65_500, 70_000])
def test_an_id_that_is_longer_than_a_stored_block_is_sent_all_the_same(size: int) -> None:
    payload = Payload(b'"' + b"y" * 2_000 + b'"')
    message = frames.deflated_message(frames.opening("i" * size), payload, 15)

    assert json.loads(read(message)[1])["id"] == "i" * size


@settings(max_examples=60, deadline=None)
@given(id=st.text(min_size=1, max_size=300), data=st.text(max_size=3_000), bits=st.integers(9, 15))
def test_any_id_and_any_payload_are_read_back(id: str, data: str, bits: int) -> None:
    payload = Payload(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    opening = frames.opening(id)
    plain = read(frames.message(opening, payload))

    assert read(frames.deflated_message(opening, payload, bits), bits) == plain
    assert json.loads(plain[1])["id"] == id
