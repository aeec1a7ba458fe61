"""Frames between processes: a JSON header with bytes behind it, with lengths and a checksum.

Anything else is a BrokenFrame and ends the connection: a part of a frame is never used.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import zlib
from collections.abc import Iterator
from typing import Any

Header = dict[str, Any]
"""The JSON header of a frame, as `messages.to_wire` returns it."""

_HEAD = struct.Struct("!4sIII")  # magic, bytes of the header, bytes of the body, checksum of both
_MAGIC = b"plr1"
# A picture has at most 20 MB by default: with a hundred times that, the length is corrupt, and a reader must
# not wait for it.
_MOST = 2**31


class BrokenFrame(ConnectionError):
    """The bytes are not a frame, or the frame is not whole."""


def pack(message: Header, body: bytes = b"") -> bytes:
    """Return the frame of a header and the bytes behind it."""
    header = json.dumps(message, separators=(",", ":")).encode()
    return _HEAD.pack(_MAGIC, len(header), len(body), zlib.crc32(body, zlib.crc32(header))) + header + body


class Unpacker:
    """Reads frames from a stream of bytes, however it is cut."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Header, bytes]]:
        """Yield the header and bytes of each frame that is whole with `data`.

        Raises:
            BrokenFrame: The stream is not made of frames.
        """
        self._data += data
        while len(self._data) >= _HEAD.size:
            magic, header, body, checksum = _HEAD.unpack_from(self._data)
            if magic != _MAGIC or header + body > _MOST:
                raise BrokenFrame("not a frame")
            end = _HEAD.size + header + body
            if len(self._data) < end:
                return
            content = bytes(self._data[_HEAD.size : end])
            del self._data[:end]
            if zlib.crc32(content) != checksum:
                raise BrokenFrame("the checksum does not match")
            try:
                message = json.loads(content[:header])
            except (ValueError, RecursionError):
                raise BrokenFrame("the header is not JSON") from None
            if not isinstance(message, dict):
                raise BrokenFrame("the header is not an object")
            yield message, content[header:]


class Outbox:
    """Frames that wait to be sent on a socket that does not block: a stuck reader delays only its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = bytearray()

    def __bool__(self) -> bool:
        """Whether anything waits for the reader."""
        return bool(self._data)

    def put(self, message: Header, body: bytes = b"") -> None:
        """Queue a frame, and send what can be sent now; an OSError if the reader has ended."""
        self._data += pack(message, body)
        self.flush()

    def flush(self) -> None:
        """Send what can be sent now; an OSError if the reader has ended."""
        with contextlib.suppress(BlockingIOError):
            while self._data:
                del self._data[: self._connection.send(self._data)]


class Channel:
    """Frames on a socket that blocks, for processes that do one thing at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unpacker = Unpacker()
        self._ready: list[tuple[Header, bytes]] = []

    def send(self, message: Header, body: bytes = b"") -> None:
        """Send a frame; a ConnectionError if the reader has ended."""
        self._connection.sendall(pack(message, body))

    def receive(self) -> tuple[Header, bytes]:
        """Wait for the next frame; an EOFError if the other side has ended."""
        while not self._ready:
            data = self._connection.recv(2**18)
            if not data:
                raise EOFError
            self._ready += self._unpacker.feed(data)
        return self._ready.pop(0)

    def close(self) -> None:
        """Close the socket."""
        self._connection.close()
