"""Which drawing is next, and which is refused: flights, the queue, expected waits, circuits.

Pure bookkeeping on a clock that is handed in; which process draws is the server's business.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any

from plotroute.errors import SHARE_FAILURES_FOR, AnswerError, CircuitOpen, QueueFull
from plotroute.render.server.fair_share import Durations, Lane, QueuedJob, Turns, remember
from plotroute.render.server.forecast import Forecast

OPEN_AFTER = 3
"""Time-outs of one picture in a row, without a success, after which its circuit opens."""

OPEN_FOR = 30.0
"""Seconds for which an open circuit refuses a picture: enough for whatever it waited for to come back."""


class Scheduler:
    """The flights of one render server."""

    def __init__(self, clock: Callable[[], float], queue_timeout: float) -> None:
        self._clock = clock
        self._queue_timeout = queue_timeout
        self._durations = Durations()
        self.flights: dict[str, QueuedJob] = {}
        self.queue = Turns(self._durations)
        self._failures: dict[str, tuple[AnswerError, float]] = {}
        self._timeouts: dict[str, tuple[int, float]] = {}
        self._outdated = 0

    def join(
        self, flight: QueuedJob, waiter: Hashable, lanes: Sequence[Lane], *, at_once: bool = False
    ) -> AnswerError | None:
        """Let `waiter` wait for the flight of that key; the error if it is refused, now.

        `lanes` are the processes that could draw it; `at_once`: one of them is idle and will.
        """
        now = self._clock()
        under_way = self.flights.get(flight.key)
        if under_way is not None:
            under_way.waiters.append(waiter)
            return None
        failed = self._failures.get(flight.key)
        if failed and now - failed[1] <= SHARE_FAILURES_FOR:
            return failed[0]
        count, last = self._timeouts.get(flight.key, (0, 0.0))
        if count >= OPEN_AFTER and now - last < OPEN_FOR:
            left = max(1, round(OPEN_FOR - (now - last)))
            return CircuitOpen(
                "This picture has taken too long several times", headers={"Retry-After": str(left)}
            )
        wait = 0.0 if at_once else self.expected_wait(flight, lanes)
        if wait > self._queue_timeout:
            retry = str(max(1, round(wait - self._queue_timeout)))
            return QueueFull("Too many pictures are waiting to be drawn", headers={"Retry-After": retry})
        flight.waiters.append(waiter)
        self.add(flight)
        return None

    def add(self, flight: QueuedJob) -> None:
        """Queue a flight that nobody waits for, or nobody yet."""
        self.flights[flight.key] = flight
        self.queue.add(flight)

    def expected_wait(self, flight: QueuedJob, lanes: Sequence[Lane]) -> float:
        """Return the seconds until a process of `lanes` would begin a flight that comes now."""
        if not lanes:  # they are being started: how long that takes is no matter of the queue
            return 0.0
        alike = [other for other in self.queue if (other.code, other.role) == (flight.code, flight.role)]
        order = self.queue.order(alike if flight in self.queue else [*alike, flight])
        return self._forecast(lanes).wait(order, flight)

    def may_begin(self, flight: QueuedJob, lanes: Sequence[Lane]) -> bool:
        """Whether an idle process of `lanes` may be given to the flight: not the last, if it takes long."""
        return self._forecast(lanes).leaves_one(flight)

    def _forecast(self, lanes: Sequence[Lane]) -> Forecast:
        return Forecast(self._durations, self._queue_timeout, self._clock(), lanes)

    def take(self, flight: QueuedJob, loads: bool = False) -> None:
        """Note that a process has begun the flight, and whether it has to load data for it."""
        self.queue.take(flight)
        flight.started_at, flight.loads = self._clock(), loads

    def outdate(self, names: Collection[str]) -> None:
        """Let no request join what is being found out of the datasets `names`: they have changed since."""
        for key, flight in list(self.flights.items()):
            if flight.started_at is None or _dataset(flight) not in names:
                continue
            self._outdated += 1
            del self.flights[key]
            flight.key, flight.outdated = f"{key} before {self._outdated}", True
            self.flights[flight.key] = flight

    def put_back(self, flight: QueuedJob) -> None:
        """Let a flight that had not really begun wait again, where it was."""
        self.queue.charge(flight, 0.0)
        flight.started_at = flight.data_at = None
        flight.loads = False
        flight.tries += 1
        self.queue.add(flight)

    def land(self, flight: QueuedJob, error: AnswerError | None) -> list[Hashable]:
        """End a flight; return those who wait for what came of it."""
        now = self._clock()
        self.flights.pop(flight.key, None)
        self.queue.drop(flight)
        if flight.started_at is not None:
            self.queue.charge(flight, now - flight.started_at)
            self._durations.note(flight, now)
        if error is None:
            self._timeouts.pop(flight.key, None)
        elif error.shared:
            remember(self._failures, flight.key, (error, now))
            if error.code == "render_timeout":
                count, _ = self._timeouts.get(flight.key, (0, now))
                remember(self._timeouts, flight.key, (count + 1, now))
        return flight.waiters

    def leave(self, waiter: Hashable) -> None:
        """Forget a waiter; a flight in the queue that nobody waits for is dropped."""
        for flight in list(self.flights.values()):
            if waiter in flight.waiters:
                flight.waiters.remove(waiter)
                if not flight.waiters and flight in self.queue:
                    self.flights.pop(flight.key)
                    self.queue.drop(flight)

    def overdue(self) -> list[QueuedJob]:
        """Return the flights that have waited too long for a process."""
        now = self._clock()
        return [flight for flight in self.queue if now > flight.queue_until]


def _dataset(flight: QueuedJob) -> str:
    """Return the dataset whose version a flight finds out; a picture's has none."""
    ref: Any = flight.message.get("ref")
    return str(ref[0]) if ref else ""
