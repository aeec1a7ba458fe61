"""Coalesce identical requests: the work is done once, for all that wait for it at the same time.

A call has no leader. It ends when its work ends. Each waiter leaves at its own deadline, and the work goes on
for the others and for the cache.
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
    """Work under way, or its result."""

    def __init__(self) -> None:
        self.done = Event()
        self.result: T | None = None
        self.error: AnswerError | None = None
        self.done_at: float | None = None
        self.is_kept = False


class SingleFlight(Generic[T]):
    """The calls of this process, by key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[str, _Call[T]] = {}
        self._lock = Lock()
        self._ended: AnswerError | None = None

    def join(
        self, key: str, work: Callable[[], T], timeout: float, *, keep: bool = False, returning: bool = False
    ) -> tuple[T, bool]:
        """Wait for the call with `key`, which starts now if there is none.

        A waiter that joined a call which was refused ("busy, come again") starts a call of its own: its own
        turn was not refused.

        Args:
            key: The name of the work.
            work: Does the work, in a thread of its own.
            timeout: Seconds that this waiter waits.
            keep: Whether the result is kept for a while if this waiter leaves before it is there.
            returning: Whether this waiter has left before. Any other waiter starts a new call: the kept
                result may be older than it allows.

        Returns:
            The result of the work, and whether another waiter had started it.

        Raises:
            RenderTimeout: `timeout` seconds are over.
            AnswerError: What the work raises.
        """
        deadline = self._clock() + timeout
        while True:
            if self._ended is not None:
                raise self._ended.with_traceback(None)
            call, joined = self._join_or_start(key, work, returning)
            if not call.done.wait(max(0.0, deadline - self._clock())):
                if keep:
                    self._keep(key, call)
                raise RenderTimeout(f"Drawing took longer than {timeout:g} s")
            if call.error is None:
                return cast(T, call.result), joined
            if call.error.shared or not joined:
                raise call.error.with_traceback(None)

    def begin(self, key: str, work: Callable[[], T], most: int) -> None:
        """Start a call without a waiter, unless there is one with `key`, or `most` calls are under way."""
        if sum(not call.done.is_set() for call in list(self._calls.values())) < most:
            self._join_or_start(key, work)

    def end(self, error: AnswerError) -> None:
        """Raise `error` in all waiters, and in all that come; the work itself goes on."""
        self._ended = error
        with self._lock:
            under_way = [(key, call) for key, call in self._calls.items() if not call.done.is_set()]
        for key, call in under_way:
            self._finish(key, call, error)

    def _join_or_start(
        self, key: str, work: Callable[[], T], returning: bool = False
    ) -> tuple[_Call[T], bool]:
        """Return the call with `key`, started now if there is none, and whether there was one."""
        with self._lock:
            self._forget()
            call = self._calls.get(key)
            if call is not None and (returning or call.error or not call.done.is_set()):
                if call.done.is_set() and call.error is None:
                    del self._calls[key]  # it was kept for this waiter
                return call, True
            call = self._calls[key] = _Call()
        # A thread of its own, so that no waiter's deadline ends the work of the others. There are never
        # more than there are threads that answer requests.
        thread = Thread(target=self._run, args=(key, call, work), name=f"flight-{key[:8]}", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine allows no more threads
            full = QueueFull("Too many pictures are waiting to be drawn", headers={"Retry-After": "2"})
            self._finish(key, call, full)
        return call, False

    def _run(self, key: str, call: _Call[T], work: Callable[[], T]) -> None:
        try:
            call.result = work()
        except AnswerError as error:
            self._finish(key, call, error)
        except BaseException as error:  # no waiter may wait for ever, whatever the error is
            self._finish(key, call, PlotFailed("Drawing failed", detail=repr(error)))
        else:
            self._finish(key, call, None)

    def _keep(self, key: str, call: _Call[T]) -> None:
        with self._lock:
            call.is_kept = True
            if call.done.is_set() and call.error is None:  # just now
                self._calls.setdefault(key, call)

    def _finish(self, key: str, call: _Call[T], error: AnswerError | None) -> None:
        with self._lock:
            if call.done_at is not None:  # `end` came before the end of the work
                return
            call.error = error
            call.done_at = self._clock()
            if not (call.is_kept if error is None else error.shared):
                del self._calls[key]
            call.done.set()

    def _forget(self) -> None:
        """Drop the results and the failures whose time is over."""
        now = self._clock()
        over = [
            key
            for key, call in self._calls.items()
            if call.done_at is not None
            and now - call.done_at > (SHARE_FAILURES_FOR if call.error else KEPT_FOR)
        ]
        for key in over:
            del self._calls[key]


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
