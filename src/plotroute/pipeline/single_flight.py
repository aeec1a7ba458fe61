"""Identical requests at the same time are one flight: the work is done once, for all who wait.

A flight has no leader. It ends when its work ends; each waiter leaves at its own deadline, and the work
goes on for the others and for the cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Generic, TypeVar, cast

from plotroute.cache.base import Claims
from plotroute.errors import SHARE_FAILURES_FOR, AnswerError, PlotFailed, QueueFull, RenderTimeout

T = TypeVar("T")

KEPT_FOR = 30.0
"""Seconds that a result is kept for a waiter that had to leave and comes again: a page of sixty images holds
the only thread of a web server for half a second each before the first of them has its next turn."""


class _Call(Generic[T]):
    def __init__(self) -> None:
        self.landed = Event()
        self.result: T | None = None
        self.error: AnswerError | None = None
        self.landed_at: float | None = None
        self.is_kept = False


class SingleFlight(Generic[T]):
    """The work under way in this process, by key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._flights: dict[str, _Call[T]] = {}
        self._lock = Lock()
        self._ended: AnswerError | None = None

    def join(
        self, key: str, work: Callable[[], T], timeout: float, *, keep: bool = False, returning: bool = False
    ) -> tuple[T, bool]:
        """Return what `work` returns, and whether somebody else had started it.

        With `keep` the result stays for a while if the waiter leaves before it is there, for the same waiter
        `returning`. Any other starts anew: what was asked for before them may be older than they allow.

        Raises what `work` raises, or RenderTimeout when `timeout` seconds are over first. Whoever joined a
        flight that ended with "busy, come again" starts one of their own: their turn has not been refused.
        """
        deadline = self._clock() + timeout
        while True:
            if self._ended is not None:
                raise self._ended.with_traceback(None)
            flight, joined = self._board(key, work, returning)
            if not flight.landed.wait(max(0.0, deadline - self._clock())):
                if keep:
                    self._keep(key, flight)
                raise RenderTimeout(f"Drawing took longer than {timeout:g} s")
            if flight.error is None:
                return cast(T, flight.result), joined
            if flight.error.shared or not joined:
                raise flight.error.with_traceback(None)

    def begin(self, key: str, work: Callable[[], T], most: int) -> None:
        """Start a flight that nobody waits for, unless there is one, or `most` are under way."""
        if sum(not flight.landed.is_set() for flight in list(self._flights.values())) < most:
            self._board(key, work)

    def end(self, error: AnswerError) -> None:
        """Give `error` to all that wait, and to all that come; the work itself goes on."""
        self._ended = error
        with self._lock:
            under_way = [(key, each) for key, each in self._flights.items() if not each.landed.is_set()]
        for key, flight in under_way:
            self._land(key, flight, error)

    def _board(self, key: str, work: Callable[[], T], returning: bool = False) -> tuple[_Call[T], bool]:
        """Return the flight of `key`, started now if there is none, and whether there was one."""
        with self._lock:
            self._forget()
            flight = self._flights.get(key)
            if flight is not None and (returning or flight.error or not flight.landed.is_set()):
                if flight.landed.is_set() and flight.error is None:
                    del self._flights[key]  # it was kept for this one
                return flight, True
            flight = self._flights[key] = _Call()
        # A thread of its own, so that no waiter's deadline ends the work of the others. There are never
        # more than there are threads that answer requests.
        thread = Thread(target=self._fly, args=(key, flight, work), name=f"flight-{key[:8]}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine allows no more threads
            full = QueueFull("Too many pictures are waiting to be drawn", headers={"Retry-After": "2"})
            self._land(key, flight, full)
        return flight, False

    def _fly(self, key: str, flight: _Call[T], work: Callable[[], T]) -> None:
        try:
            flight.result = work()
        except AnswerError as error:
            self._land(key, flight, error)
        except BaseException as error:  # whatever it is, no waiter may wait for ever
            self._land(key, flight, PlotFailed("Drawing failed", detail=repr(error)))
        else:
            self._land(key, flight, None)

    def _keep(self, key: str, flight: _Call[T]) -> None:
        with self._lock:
            flight.is_kept = True
            if flight.landed.is_set() and flight.error is None:  # just now
                self._flights.setdefault(key, flight)

    def _land(self, key: str, flight: _Call[T], error: AnswerError | None) -> None:
        with self._lock:
            if flight.landed_at is not None:  # it was ended before its work
                return
            flight.error = error
            flight.landed_at = self._clock()
            if not (flight.is_kept if error is None else error.shared):
                del self._flights[key]
            flight.landed.set()

    def _forget(self) -> None:
        now = self._clock()
        over = [
            key
            for key, flight in self._flights.items()
            if flight.landed_at is not None
            and now - flight.landed_at > (SHARE_FAILURES_FOR if flight.error else KEPT_FOR)
        ]
        for key in over:
            del self._flights[key]


def do_once(
    claims: Claims, key: str, work: Callable[[], T], look_up: Callable[[], T | None], seconds: float
) -> T:
    """Do work that other processes may be doing as well, unless one of them leaves its result first.

    Args:
        claims: The claims that the processes share.
        key: The name of the work.
        work: Does the work, and leaves its result where `look_up` finds it.
        look_up: Returns the result that another process has left, or None.
        seconds: The time that the work takes at most. After it the work is done whatever others do: a claim
            saves work and never prevents it.

    Returns:
        The result of `work` or of `look_up`.
    """
    deadline = time.monotonic() + seconds
    while (claim := claims.take(key, seconds)) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            return work()
        claims.wait(key, left)
        if (found := look_up()) is not None:
            return found
    try:
        return work()
    finally:
        claims.release(key, claim)
