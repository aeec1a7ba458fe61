"""Which drawing is next, and which is refused: flights, the queue, expected waits, circuits.

Pure bookkeeping on a clock that is handed in; who draws is the server's business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Any

from plotroute.errors import SHARE_FAILURES_FOR, AnswerError, CircuitOpen, QueueFull

OPEN_AFTER = 3
"""Time-outs of one picture in a row, without a success, after which its circuit opens."""

OPEN_FOR = 30.0
"""Seconds for which an open circuit refuses a picture: enough for whatever it waited for to come back."""

_FIRST_GUESS = 0.3
"""Seconds that a plot is taken to draw before it was drawn once."""

_MOST_REMEMBERED = 10_000
"""Failures and time-outs kept: bounded, whatever readers ask for."""


@dataclass(eq=False)
class Flight:
    """One piece of work under way or waiting, and all who wait for it."""

    key: str
    plot: str
    message: dict[str, object]
    """What a render process is sent."""
    code: str
    """The version of the author's code that it was asked of."""
    data: frozenset[str]
    """Ids of the data that it reads."""
    timeout: float
    """Seconds it may take once its data is at hand."""
    request_id: str
    queued_at: float
    queue_until: float
    waiters: list[Hashable] = field(default_factory=list)
    started_at: float | None = None
    data_at: float | None = None
    outdated: bool = False
    """Whether the data has changed since it began, as the app says: what it finds out is of before."""


class Scheduler:
    """The flights of one render server."""

    def __init__(self, clock: Callable[[], float], queue_timeout: float) -> None:
        self._clock = clock
        self._queue_timeout = queue_timeout
        self.flights: dict[str, Flight] = {}
        self.queue: deque[Flight] = deque()
        self._durations: dict[str, float] = {}
        self._failures: dict[str, tuple[AnswerError, float]] = {}
        self._timeouts: dict[str, tuple[int, float]] = {}
        self._outdated = 0

    def join(self, flight: Flight, waiter: Hashable, processes: int) -> AnswerError | None:
        """Let `waiter` wait for the flight of that key; the error if it is refused, now."""
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
        wait = self.expected_wait(processes)
        if wait > self._queue_timeout:
            retry = str(max(1, round(wait - self._queue_timeout)))
            return QueueFull("Too many pictures are waiting to be drawn", headers={"Retry-After": retry})
        flight.waiters.append(waiter)
        self.add(flight)
        return None

    def add(self, flight: Flight) -> None:
        """Queue a flight that nobody waits for, or nobody yet."""
        self.flights[flight.key] = flight
        self.queue.append(flight)

    def expected_wait(self, processes: int) -> float:
        """Return the seconds until a process would be free for one more flight."""
        now = self._clock()
        work = sum(self._guess(flight.plot) for flight in self.queue)
        for flight in self.flights.values():
            if flight.started_at is not None:
                # What has taken longer than it usually does may take as long again.
                spent = now - flight.started_at
                work += max(self._guess(flight.plot) - spent, min(spent, flight.timeout) / 2)
        return work / max(1, processes)

    def take(self, flight: Flight) -> None:
        """Note that a process has begun the flight."""
        self.queue.remove(flight)
        flight.started_at = self._clock()

    def outdate(self, names: Collection[str]) -> None:
        """Let no request join what is being found out of the datasets `names`: they have changed since."""
        for key, flight in list(self.flights.items()):
            if flight.started_at is None or _dataset(flight) not in names:
                continue
            self._outdated += 1
            del self.flights[key]
            flight.key, flight.outdated = f"{key} before {self._outdated}", True
            self.flights[flight.key] = flight

    def put_back(self, flight: Flight) -> None:
        """Put a flight that had not really begun at the head of the queue again."""
        flight.started_at = flight.data_at = None
        self.queue.appendleft(flight)

    def land(self, flight: Flight, error: AnswerError | None) -> list[Hashable]:
        """End a flight; return those who wait for what came of it."""
        now = self._clock()
        self.flights.pop(flight.key, None)
        if flight in self.queue:
            self.queue.remove(flight)
        if flight.started_at is not None:
            # Loading is not drawing: the next picture finds the data loaded.
            took = now - (flight.started_at if flight.data_at is None else flight.data_at)
            self._durations[flight.plot] = 0.7 * self._durations.get(flight.plot, took) + 0.3 * took
        if error is None:
            self._timeouts.pop(flight.key, None)
        elif error.shared:
            _remember(self._failures, flight.key, (error, now))
            if error.code == "render_timeout":
                count, _ = self._timeouts.get(flight.key, (0, now))
                _remember(self._timeouts, flight.key, (count + 1, now))
        return flight.waiters

    def leave(self, waiter: Hashable) -> None:
        """Forget a waiter; a flight in the queue that nobody waits for is dropped."""
        for flight in list(self.flights.values()):
            if waiter in flight.waiters:
                flight.waiters.remove(waiter)
                if not flight.waiters and flight in self.queue:
                    self.flights.pop(flight.key)
                    self.queue.remove(flight)

    def overdue(self) -> list[Flight]:
        """Return the flights that have waited too long for a process."""
        now = self._clock()
        return [flight for flight in self.queue if now > flight.queue_until]

    def _guess(self, plot: str) -> float:
        return self._durations.get(plot, _FIRST_GUESS)


def _dataset(flight: Flight) -> str:
    """Return the dataset whose version a flight finds out; a picture's has none."""
    ref: Any = flight.message.get("ref")
    return str(ref[0]) if ref else ""


def _remember(table: dict[str, Any], key: str, value: object) -> None:
    table.pop(key, None)
    table[key] = value
    while len(table) > _MOST_REMEMBERED:
        table.pop(next(iter(table)))
