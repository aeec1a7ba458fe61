"""Bodies of requests: read whole, within a size and a time, by few at once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import IO

from plotroute.errors import BodyTooLarge, BodyTooSlow, QueueFull
from plotroute.settings import Settings


class Bodies:
    """Reads the bodies of one server's requests."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.max_body
        self._timeout = settings.body_timeout
        # A body that trickles in holds its thread. With those that wait for drawings (seven eighths), some
        # stay free for what is ready.
        self._room = threading.BoundedSemaphore(max(1, settings.threads // 16))

    def read(self, stream: IO[bytes], length: int | None) -> bytes:
        """Return the body that `stream` brings; `length` is what the request says of it, in bytes."""
        if (length or 0) > self._limit:
            raise BodyTooLarge(f"The body is larger than {self._limit:,} bytes")
        if not self._room.acquire(blocking=False):
            raise QueueFull("Too many bodies are being sent", headers={"Retry-After": "2"})
        body: Future[bytes] = Future()
        # WSGI knows no time limit for reading. The thread ends when the server closes the connection of a
        # request that was answered before its body had come.
        threading.Thread(target=self._fetch, args=(stream, body), name="plotroute-body", daemon=True).start()
        try:
            data = body.result(self._timeout)
        except TimeoutError:
            message = f"The body took longer than {self._timeout:g} s to arrive"
            raise BodyTooSlow(message, headers={"Connection": "close"}) from None
        if len(data) > self._limit:
            raise BodyTooLarge(f"The body is larger than {self._limit:,} bytes")
        return data

    def _fetch(self, stream: IO[bytes], body: Future[bytes]) -> None:
        try:
            # Without a Content-Length (chunked) the size shows only while reading.
            body.set_result(stream.read(self._limit + 1))
        except BaseException as error:
            body.set_exception(error)
        finally:
            self._room.release()
