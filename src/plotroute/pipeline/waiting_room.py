"""Bound the requests that hold a thread while they wait for a picture, in number and in time.

A waiting request holds a thread of the web server, so some threads are kept free for requests that need no
wait: cache hits, and an app's other views.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from plotroute.errors import AnswerError, QueueFull

# How much more patience is in place while the render server starts.
_AT_THE_START = 5

_ROUND = 10.0
"""Seconds within which a request that was told to come again does, or is given up by its browser."""


class Room:
    """The room for waiting requests in one process."""

    def __init__(self, threads: int, *, spare: int = 0, patience: float = 0.0) -> None:
        """Leave an eighth of the threads free, and at least one of several.

        Args:
            threads: The threads of the web server in this process.
            spare: Further places, for threads of plotroute's own that wait as requests do.
            patience: Seconds that a request may wait for room, in a thread that is to stay free. All requests
                that come again share them, so that another view waits no longer for many than for one.
        """
        self._semaphore = threading.BoundedSemaphore(places(threads) + spare)
        self._patience = patience
        self._thread = threading.local()
        self._away: dict[tuple[str, bool], float] = {}
        """(Request that found no room, whether it comes again by itself) → when."""
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, starting: bool = False) -> Iterator[None]:
        """Hold this thread for the body, which waits.

        Args:
            starting: Whether the render server is starting. That takes seconds and is rare, so more patience
                is in place.

        Raises:
            QueueFull: Too many threads are held.
        """
        if not self._semaphore.acquire(blocking=False):
            patience = self._patience * _AT_THE_START if starting else self._share()
            if not patience or not self._semaphore.acquire(timeout=patience):
                raise come_again("Too many requests are waiting")
        try:
            yield
        finally:
            self._semaphore.release()

    def _share(self) -> float:
        """Return the seconds that the request of this thread may wait for room.

        A thousand programs, which are refused after that time, must not use up the turns of an `<img>`.
        """
        now = time.monotonic()
        request = getattr(self._thread, "request", ("", False))
        with self._lock:
            self._away = {other: at for other, at in self._away.items() if now - at < _ROUND}
            self._away[request] = now
            images = sum(comes_again for _, comes_again in self._away)
            return self._patience / (images if request[1] else len(self._away))

    @contextmanager
    def at_most(
        self,
        seconds: float | None,
        *,
        request: str = "",
        comes_again: bool = False,
        returning: bool = False,
    ) -> Iterator[None]:
        """Bound the seconds that this thread waits within the body.

        Args:
            seconds: The bound for all waits together; None: each wait takes as long as it takes.
            request: A text that tells the request from others.
            comes_again: Whether its client sends it again by itself when it is told to.
            returning: Whether it is sent again, after it was told to come again.
        """
        self._thread.request = request, comes_again
        self._thread.until = None if seconds is None else time.monotonic() + seconds
        self._thread.returning = returning
        away = False
        try:
            yield
        except AnswerError as error:
            away = error.again
            raise
        finally:
            # A request that is answered, or refused for good, must not shorten the turns of others.
            with self._lock:
                if not (away and comes_again):
                    self._away.pop((request, True), None)
                if not away:
                    self._away.pop((request, False), None)
            self._thread.until = None
            self._thread.request = "", False
            self._thread.returning = False

    def returns(self) -> bool:
        """Return whether this thread answers a request that was told to come again."""
        return bool(getattr(self._thread, "returning", False))

    def left(self) -> float | None:
        """Return the seconds that this thread may still wait; None: as long as it takes."""
        until: float | None = getattr(self._thread, "until", None)
        return None if until is None else max(0.0, until - time.monotonic())


def places(threads: int) -> int:
    """Return how many of a server's `threads` may be held; an eighth stays free, and one of several."""
    return max(1, threads - max(1, threads // 8))


def come_again(title: str) -> QueueFull:
    """Return the error of a request that gives up its thread, while the work for it goes on."""
    error = QueueFull(title, headers={"Retry-After": "2"})
    error.again = True
    return error
