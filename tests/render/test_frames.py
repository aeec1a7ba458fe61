"""Messages between processes: all of what was sent, or a clear end."""

import contextlib
import itertools
import json
import socket
import struct
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plotroute.render.frames import BrokenFrame, Channel, Unpacker, pack

HEAD = struct.Struct("!4sIII")

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
messages = st.dictionaries(st.text(), values, max_size=5)
frames = st.lists(st.tuples(messages, st.binary(max_size=300)), max_size=5)


def frame(header, body=b"", *, magic=b"plr1", checksum=None, lengths=None):
    checksum = zlib.crc32(header + body) if checksum is None else checksum
    return HEAD.pack(magic, *(lengths or (len(header), len(body))), checksum) + header + body


def read(*chunks):
    unpacker = Unpacker()
    return [found for chunk in chunks for found in unpacker.feed(chunk)]


@given(messages, st.binary())
def test_what_is_packed_comes_out_again(message, body):
    assert read(pack(message, body)) == [(message, body)]


@given(frames, st.lists(st.integers(0, 3000), max_size=12))
def test_it_does_not_matter_how_the_stream_is_cut(sent, cuts):
    stream = b"".join(pack(*one) for one in sent)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in itertools.pairwise(places)]
    assert read(*chunks) == sent


def test_byte_by_byte():
    sent = [({"id": 1}, b"\x89PNG"), ({}, b""), ({"ä": "\ud800 \0"}, b"plr1")]
    stream = b"".join(pack(*one) for one in sent)
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == sent


@given(messages, st.binary(max_size=100), st.data())
def test_a_frame_that_is_cut_off_gives_nothing(message, body, data):
    whole = pack(message, body)
    assert read(whole[: data.draw(st.integers(0, len(whole) - 1))]) == []


@given(messages, st.binary(max_size=100), st.data())
def test_one_flipped_bit_is_never_read_as_something_else(message, body, data):
    whole = bytearray(pack(message, body))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(BrokenFrame):
        assert read(bytes(whole)) == []  # it waits for more: a length has grown


BROKEN = {
    "another magic": frame(b"{}", magic=b"plr2"),
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "zeros": bytes(64),
    "a wrong checksum": frame(b"{}", b"body", checksum=1),
    "a body of another frame": frame(b'{"id":1}', b"aaaa")[:-4] + b"bbbb",
    "not JSON": frame(b"{'id': 1}"),
    "nothing": frame(b""),
    "half of an object": frame(b'{"id":1'),
    "two objects": frame(b"{}{}"),
    "not UTF-8": frame(b'{"a": "\xff"}'),
    "a number beyond Python's limit": frame(b'{"a":' + b"1" * 5000 + b"}"),
    "nested too deeply": frame(b"[" * 200_000 + b"]" * 200_000),
    "a list": frame(b"[]"),
    "a text": frame(b'"id"'),
    "null": frame(b"null"),
    "a header of 4 GB": frame(b"{}", lengths=(2**32 - 1, 0)),
    "a body of 4 GB": frame(b"{}", lengths=(2, 2**32 - 1)),
    "both of 4 GB": frame(b"{}", lengths=(2**32 - 1, 2**32 - 1)),
    "just above the most": frame(b"{}", lengths=(2**31, 1)),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_is_not_a_frame_is_refused(broken):
    with pytest.raises(BrokenFrame):
        read(broken)
    unpacker = Unpacker()
    seen = []
    with pytest.raises(BrokenFrame):
        seen.extend(unpacker.feed(pack({"id": 1}, b"whole") + broken))
    assert seen in ([], [({"id": 1}, b"whole")])


def test_a_broken_frame_is_the_end_of_a_connection():
    """Whoever handles the end of a connection need not know of it."""
    assert issubclass(BrokenFrame, ConnectionError)


def test_the_header_alone_already_tells_of_an_absurd_length():
    with pytest.raises(BrokenFrame):
        read(HEAD.pack(b"plr1", 2**31, 2**31, 0))


# Channel


@pytest.fixture
def pair():
    mine, theirs = socket.socketpair()
    with mine, theirs:
        yield Channel(mine), theirs


def test_a_channel_gives_messages_one_at_a_time_in_order(pair):
    channel, other = pair
    other.sendall(pack({"n": 1}, b"a") + pack({"n": 2}) + pack({"n": 3}, b"c")[:7])
    assert channel.receive() == ({"n": 1}, b"a")
    assert channel.receive() == ({"n": 2}, b"")
    other.sendall(pack({"n": 3}, b"c")[7:])
    assert channel.receive() == ({"n": 3}, b"c")


def test_what_a_channel_sends_the_other_side_reads(pair):
    channel, other = pair
    channel.send({"op": "render"}, b"\0\1")
    channel.close()
    received = b""
    while data := other.recv(4096):
        received += data
    assert read(received) == [({"op": "render"}, b"\0\1")]


def test_a_large_picture_goes_through_a_small_buffer(pair):
    channel, other = pair
    body = bytes(range(256)) * 40_000
    sending = threading.Thread(target=other.sendall, args=[pack({"id": 1}, body)])
    sending.start()
    try:
        assert channel.receive() == ({"id": 1}, body)
    finally:
        sending.join()


@pytest.mark.parametrize("said", [b"", pack({"n": 1}, b"body")[:-1], b"pl"])
def test_when_the_other_side_is_gone(pair, said):
    channel, other = pair
    other.sendall(pack({"n": 0}) + said)
    other.close()
    assert channel.receive() == ({"n": 0}, b"")
    for _ in range(2):
        with pytest.raises(EOFError):
            channel.receive()
    with pytest.raises(ConnectionError):
        for _ in range(1000):
            channel.send({"n": 1}, bytes(10_000))


def test_garbage_in_a_channel(pair):
    channel, other = pair
    other.sendall(json.dumps({"op": "render"}).encode() * 3)
    with pytest.raises(BrokenFrame):
        channel.receive()
