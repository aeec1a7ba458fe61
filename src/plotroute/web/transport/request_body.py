"""Bodies of requests: read whole, within a size and a time, by few at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from plotroute.errors import BodyTooLarge, BodyTooSlow, QueueFull
from plotroute.settings import Settings
from plotroute.web.transport.sockets import Connection, accepted

_LOOK_EVERY = 0.5
"""Seconds between looks at bodies that are being read."""

_NOTHING_WAITS_LONGER = 120.0
"""Seconds beyond the time of a body after which a connection without an answer is given up, whatever waits on
it. A drawing may take longer if its author says so; then a body that does not come is waited for as long."""

_TOO_LARGE_FOR = 2.0
"""Seconds that a body may take which is known to be too large: its sender is told so in any case."""

_AT_ONCE = 1 << 16
_DISCARDED_UP_TO = 16 << 20
"""Bytes of a body that is too large which are read all the same: a sender that is answered before it has sent
everything sees a broken connection in place of the answer."""


@dataclass(eq=False)
class _Reading:
    """One body on its way."""

    greeted: bool
    """Whether the server has sent a `100 Continue`."""
    patience: float
    """Seconds that it may take."""
    began: float = field(default_factory=time.monotonic)
    given_up: bool = False


class Bodies:
    """Reads the bodies of one server's requests.

    WSGI knows no time limit for reading, and a request must not be answered while a thread still reads its
    body: granian 2.8 then stops all its connections. So the thread that answers also reads, and a body that
    takes too long is ended at its connection, where the stream finds its end.
    """

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.max_body
        self._timeout = settings.body_timeout
        # A body that trickles in holds its thread. With those that wait for drawings (seven eighths), some
        # stay free for what is ready.
        self._room = threading.BoundedSemaphore(max(1, settings.threads // 16))
        self._readings: set[_Reading] = set()
        self._lock = threading.Lock()
        self._is_watched = False

    def read(self, stream: IO[bytes], length: int | None, *, greeted: bool = False) -> bytes:
        """Return the body that `stream` brings.

        Args:
            stream: The `wsgi.input` of the request.
            length: What the request says of it, in bytes; None where it comes in chunks.
            greeted: Whether the request waits for a `100 Continue` before it sends its body.

        Raises:
            BodyTooLarge: It has more bytes than `max_body`.
            BodyTooSlow: It took longer than `body_timeout` to arrive.
            QueueFull: As many bodies are being read as may be.
        """
        announced = (length or 0) > self._limit
        # A sender that waits for a `100 Continue` has sent nothing yet.
        if announced and (greeted or (length or 0) > self._limit + _DISCARDED_UP_TO):
            raise self._too_large()
        if not self._room.acquire(blocking=False):
            raise QueueFull("Too many bodies are being sent", headers={"Retry-After": "2"})
        reading = _Reading(greeted, min(self._timeout, _TOO_LARGE_FOR) if announced else self._timeout)
        try:
            with self._watching(reading):
                # Without a Content-Length the size shows only while reading.
                data = b"".join(_parts(stream, self._limit + 1))
                whole = (
                    len(data) <= self._limit
                    or sum(map(len, _parts(stream, _DISCARDED_UP_TO))) < _DISCARDED_UP_TO
                )
        except Exception:
            if not reading.given_up:
                raise
        finally:
            self._room.release()
        if reading.given_up and announced:
            raise self._too_large()
        if reading.given_up:
            message = f"The body took longer than {self._timeout:g} s to arrive"
            raise BodyTooSlow(message, headers={"Connection": "close"})
        if len(data) > self._limit:
            raise self._too_large(whole)
        return data

    def _too_large(self, whole: bool = False) -> BodyTooLarge:
        message = f"The body is larger than {self._limit:,} bytes"
        return BodyTooLarge(message, headers={} if whole else {"Connection": "close"})

    @contextlib.contextmanager
    def _watching(self, reading: _Reading) -> Iterator[None]:
        with self._lock:
            self._readings.add(reading)
            begin, self._is_watched = not self._is_watched, True
        if begin:
            threading.Thread(target=self._watch, name="plotroute-bodies", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._readings.discard(reading)

    def _watch(self) -> None:
        """Give up bodies that take too long; ends when no body is being read."""
        while True:
            time.sleep(_LOOK_EVERY)
            now = time.monotonic()
            with self._lock:
                if not self._readings:
                    self._is_watched = False
                    return
                late = [reading for reading in self._readings if now - reading.began > reading.patience]
            if late:
                self._give_up(late, now)

    def _give_up(self, late: list[_Reading], now: float) -> None:
        """End the connections of bodies that are late.

        A request does not say which connection is its own. Those that wait for their answer as long as the
        body does are few: where they are no more than the late bodies, they are theirs.
        """
        with accepted() as connections:
            waiting = [each for each in connections if self._may_be(each, late, now)]
            if len(waiting) > len(late):
                beyond = self._timeout + _NOTHING_WAITS_LONGER
                waiting = [each for each in waiting if each.sent_ago > beyond]
            for reading in late if waiting else ():
                reading.given_up = True
            for each in waiting:
                each.stop_reading()

    def _may_be(self, connection: Connection, late: list[_Reading], now: float) -> bool:
        """Whether one of the late bodies may come on this connection."""
        if connection.is_unanswered():
            return connection.sent_ago > min(reading.patience for reading in late) - _LOOK_EVERY
        # A `100 Continue` was sent when the reading began, and looks like an answer.
        began = [now - reading.began for reading in late if reading.greeted]
        return any(abs(connection.sent_ago - ago) < _LOOK_EVERY for ago in began)


def _parts(stream: IO[bytes], most: int) -> Iterator[bytes]:
    """Yield what the stream brings until its end, `most` bytes at most."""
    while most > 0:
        data = stream.read(min(_AT_ONCE, most))
        if not data:
            return
        most -= len(data)
        yield data
