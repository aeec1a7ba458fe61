"""The TCP connections of this process, as the kernel knows them.

WSGI hands a request over without its connection, and granian without the port of the peer. What a connection
has received and sent, and how long ago, tells enough: which ones wait for the rest of a request, and which
do not take what they are sent. Linux only; elsewhere there are no connections to see.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

# linux/tcp.h, struct tcp_info: eight bytes of flags, 24 numbers of 32 bits, four of 64.
_TCP_INFO = struct.Struct("=8x24I4Q")
_SENT, _RECEIVED = 9, 11
"""Which numbers are the milliseconds since data was last sent and received."""
_ACKNOWLEDGED, _BYTES_RECEIVED = 26, 27
_ESTABLISHED = 1
_SIOCOUTQ = 0x5411
"""linux/sockios.h: bytes in the send queue that the peer has not acknowledged."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One accepted connection at one moment."""

    socket: socket.socket
    sent_ago: float
    """Seconds since data was last sent; since it was accepted, if none was."""
    received_ago: float
    """Seconds since data was last received."""
    received: int
    """Bytes received in all."""
    delivered: int
    """Bytes that the peer has acknowledged in all."""
    pending: int
    """Bytes handed to the kernel that the peer has not acknowledged."""

    @property
    def id(self) -> int:
        """What tells it from other connections while it is open."""
        return os.fstat(self.socket.fileno()).st_ino

    def is_unanswered(self) -> bool:
        """Whether data came after the last that was sent: a request, or a part of one, has no answer yet."""
        if self.received_ago == self.sent_ago:
            # The kernel counts in steps of some milliseconds: a request that came as soon as the connection
            # was there, or a request that was answered at once. An acknowledged SYN counts as a byte.
            return self.received > 0 and self.delivered <= 1
        return self.received > 0 and self.received_ago < self.sent_ago

    def stop_reading(self) -> None:
        """Have the server find the end of what the peer sends; an answer can still be sent."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RD)

    def end(self) -> None:
        """End it, whatever is under way."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def accepted() -> Iterator[list[Connection]]:
    """Yield the connections that this process has accepted and not closed.

    They are duplicates of the server's own descriptors, which it may close meanwhile, and closed afterwards.
    """
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(each) for each in _tcp_sockets()]
        listening = {
            _port(each) for each in sockets if each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        }
        yield [found for each in sockets if _port(each) in listening and (found := _look(each)) is not None]


def _tcp_sockets() -> Iterator[socket.socket]:
    if sys.platform != "linux":
        return
    for name in os.listdir("/proc/self/fd"):
        try:
            if not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                continue
            each = socket.socket(fileno=os.dup(int(name)))
        except OSError:  # closed meanwhile
            continue
        if each.family in (socket.AF_INET, socket.AF_INET6) and each.type == socket.SOCK_STREAM:
            yield each
        else:
            each.close()


def _port(each: socket.socket) -> int:
    return int(each.getsockname()[1])


def _look(each: socket.socket) -> Connection | None:
    try:
        state = each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        if state[0] != _ESTABLISHED:
            return None
        numbers = _TCP_INFO.unpack(state)
        pending = struct.unpack("=i", fcntl.ioctl(each.fileno(), _SIOCOUTQ, b"\0" * 4))[0]
    except (OSError, struct.error):  # a kernel that tells less
        return None
    return Connection(
        socket=each,
        sent_ago=numbers[_SENT] / 1000,
        received_ago=numbers[_RECEIVED] / 1000,
        received=numbers[_BYTES_RECEIVED],
        delivered=numbers[_ACKNOWLEDGED],
        pending=pending,
    )
