"""Large pictures on their way to readers: a reader that is slow to take one keeps a copy of it in memory."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque

from plotroute.errors import QueueFull
from plotroute.web.transport.sockets import Connection, accepted

_LARGE = 64 * 2**10
"""Bytes from which a picture counts: a thousand connections with smaller ones take 64 MiB at most."""

_LOOK_EVERY = 5.0
"""Seconds between looks at readers that have not taken everything."""

_AT_LEAST, _WITHIN = 32 * 2**10, 30.0
"""Bytes that a reader must take within so many seconds: 1 KiB/s is a tenth of the slowest phone network."""

_MOST_REMEMBERED = 10_000
"""Sizes kept: more than there are connections."""


class Outgoing:
    """The large pictures that one server has handed to its connections.

    A server copies a picture when it is handed over, and says nothing when it is sent. How many connections
    still have something to send is known to the kernel: as many of the largest pictures may not be sent yet.
    """

    def __init__(self, budget: int) -> None:
        """`budget` is the number of bytes that may be on their way."""
        self._budget = budget
        self._lock = threading.Lock()
        self._sizes: deque[int] = deque(maxlen=_MOST_REMEMBERED)
        self._handed_over = 0
        self._watched = False

    def admits(self, size: int) -> bool:
        """Return whether a picture of `size` bytes may be handed over now, and count it if so."""
        if size < _LARGE:
            return True
        with self._lock:
            if self._handed_over + size > self._budget:
                with accepted() as connections:
                    # Less the connection of this request.
                    self._count(sum(_is_under_way(each) for each in connections) - 1)
                if self._handed_over + size > self._budget:
                    return False
            self._handed_over += size
            self._sizes.append(size)
            begin, self._watched = not self._watched, True
        if begin:
            threading.Thread(target=self._watch, name="plotroute-outgoing", daemon=True).start()
        return True

    def check(self, size: int) -> None:
        """Raise QueueFull unless a picture of `size` bytes may be handed over now."""
        if not self.admits(size):
            message = "Too many large pictures are on their way to slow readers"
            raise QueueFull(message, headers={"Retry-After": "5"})

    def _count(self, under_way: int) -> None:
        """Count again what may be on its way, where so many connections may have something to send."""
        self._handed_over = sum(heapq.nlargest(under_way, self._sizes))

    def _watch(self) -> None:
        """End the connections of readers that take too little; ends when everything is sent."""
        progress: dict[int, tuple[int, float]] = {}
        while True:
            time.sleep(_LOOK_EVERY)
            with accepted() as connections:
                under_way = [each for each in connections if _is_under_way(each)]
                pending = {each.id: each for each in under_way if each.pending}
                progress = {id: progress.get(id, _now(each)) for id, each in pending.items()}
                for id, each in pending.items():
                    delivered, since = progress[id]
                    if each.delivered - delivered >= _AT_LEAST:
                        progress[id] = _now(each)
                    elif time.monotonic() - since > _WITHIN:
                        each.end()
            with self._lock:
                self._count(len(under_way))
                if not under_way:
                    self._sizes.clear()
                    self._watched = False
                    return


def _is_under_way(connection: Connection) -> bool:
    """Whether the kernel, or the server before it, may have something to send on it."""
    return connection.pending > 0 or connection.is_unanswered()


def _now(connection: Connection) -> tuple[int, float]:
    return connection.delivered, time.monotonic()
