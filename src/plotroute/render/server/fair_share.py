"""Whose turn it is to be drawn, and how long that takes: each plot gets a fair share of the processes.

Waiting flights are drawn in the order of start-time fair queuing: next is the plot whose drawings have taken
the least time so far, and of one plot the flight that was asked for first. So fifty requests of a slow plot
do not keep the others' pictures waiting, and a page of forty pictures of one plot still gets all processes.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter, deque
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

# Seconds that a plot is taken to draw before it was drawn once.
_FIRST_GUESS = 0.3
# Seconds that the first drawing of a process costs beside the drawing, for imports and fonts: a page of
# pictures after a start must not be refused for them.
_FIRST_COSTS = 1.0
# How much the last drawing counts against those before: three of a new kind are most of the guess.
_NEWEST = 0.3

MOST_REMEMBERED = 10_000
"""Entries of a table by key or by plot: bounded, whatever readers ask for."""


@dataclass(eq=False)
class QueuedJob:
    """One piece of work under way or waiting, and the requests that wait for it."""

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
    format: str = ""
    ttl: float = 0.0
    """Seconds for which its picture is kept for others that ask for it."""
    role: str = "renderer"
    """Of the processes that can do it."""
    waiters: list[Hashable] = field(default_factory=list)
    started_at: float | None = None
    data_at: float | None = None
    fresh: bool = False
    """Whether it is the first that its process draws."""
    loads: bool = False
    """Whether the process that has begun it did not have all of its data."""
    tries: int = 0
    """How often it was given to a process that ended, or had to be ended, before it began."""
    outdated: bool = False
    """Whether the data has changed since it began, as the app says: what it finds out is of before."""
    turn: float = math.inf
    """Its place among the flights of its plot."""
    charged: float = 0.0
    """Seconds that its plot was charged when it began."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A process as those see it that wait for one: what it is at, and the ids of the data it has loaded."""

    flight: QueuedJob | None = None
    loaded: Collection[str] = ()


class Durations:
    """How long drawings and loads have taken, in seconds."""

    def __init__(self) -> None:
        self._drawing: dict[str, dict[str, float]] = {}
        """Plot → format → seconds: the PDF of 50,000 points says nothing about the PNG."""
        self._loading: dict[tuple[str, ...], float] = {}

    def note(self, flight: QueuedJob, now: float) -> None:
        """Learn from a flight that has ended."""
        if flight.started_at is None:
            return
        at_hand = flight.data_at if flight.data_at is not None else now
        if flight.loads:
            names = _names(flight)
            remember(self._loading, names, _blend(self._loading.get(names), at_hand - flight.started_at))
        if flight.data_at is not None or not flight.loads:
            formats = self._drawing.get(flight.plot, {})
            took = now - (flight.started_at if flight.data_at is None else flight.data_at)
            if flight.fresh:
                took = max(min(took, _FIRST_GUESS), took - _FIRST_COSTS)
            formats[flight.format] = _blend(formats.get(flight.format), took)
            remember(self._drawing, flight.plot, formats)

    def drawing(self, flight: QueuedJob) -> float:
        """Return how long drawing is expected to take; in a new format, as long as in the quickest one."""
        formats = self._drawing.get(flight.plot, {})
        return formats.get(flight.format, min(formats.values(), default=_FIRST_GUESS))

    def loading(self, flight: QueuedJob) -> float:
        """Return how long loading its data is expected to take."""
        return self._loading.get(_names(flight), 0.0)

    def whole(self, flight: QueuedJob, loaded: Collection[str]) -> float:
        """Return how long a process is expected to be at it that has the data in `loaded`."""
        load = 0.0 if flight.data.issubset(loaded) else self.loading(flight)
        return load + self.drawing(flight)

    def left(self, flight: QueuedJob, now: float) -> float:
        """Return how long a flight that has begun is expected to take from now on."""
        if flight.started_at is None:
            return 0.0
        if flight.data_at is None:
            load = self.loading(flight) if flight.loads else 0.0
            return abs(load - (now - flight.started_at)) + self.drawing(flight)
        spent = now - flight.data_at
        # What has taken longer than it usually does may take as much longer again; its limit ends it.
        return min(abs(self.drawing(flight) - spent), max(0.0, flight.timeout - spent))


class Turns:
    """The flights that wait, and how much time each plot has had."""

    def __init__(self, durations: Durations) -> None:
        self._durations = durations
        self._waiting: dict[str, QueuedJob] = {}
        self._plots: Counter[str] = Counter()
        """Plot → how many of its flights wait."""
        self._numbers = itertools.count(1)
        self._had: dict[str, float] = {}
        """Plot → seconds of the processes that it has had, as far as that matters."""
        self._level = 0.0
        """What the plot that was last chosen had had before: a plot that comes anew begins there."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def __contains__(self, flight: QueuedJob) -> bool:
        """Whether the flight waits."""
        return self._waiting.get(flight.key) is flight

    def __iter__(self) -> Iterator[QueuedJob]:
        """Go through the flights in the order in which they are to be drawn."""
        return self.order(list(self._waiting.values()))

    def order(self, flights: Iterable[QueuedJob]) -> Iterator[QueuedJob]:
        """Yield `flights`, which wait or would like to, in the order in which they are to be drawn."""
        plots: dict[str, deque[QueuedJob]] = {}
        for flight in sorted(flights, key=lambda flight: flight.turn):
            plots.setdefault(flight.plot, deque()).append(flight)
        heap = [(self._had_by(plot), own[0].turn, plot) for plot, own in plots.items()]
        heapq.heapify(heap)
        while heap:
            had, _, plot = heapq.heappop(heap)
            flight = plots[plot].popleft()
            yield flight
            if plots[plot]:
                had += self._durations.drawing(flight)
                heapq.heappush(heap, (had, plots[plot][0].turn, plot))

    def add(self, flight: QueuedJob) -> None:
        """Let a flight wait: behind the others of its plot, or where it was."""
        remember(self._had, flight.plot, self._had_by(flight.plot))
        flight.turn = min(flight.turn, next(self._numbers))
        self._waiting[flight.key] = flight
        self._plots[flight.plot] += 1

    def take(self, flight: QueuedJob) -> None:
        """Note that a process has begun the flight."""
        had = self._had_by(flight.plot)
        self.drop(flight)
        self._level = max(self._level, had)
        flight.charged = self._durations.drawing(flight)
        self._had[flight.plot] = had + flight.charged

    def charge(self, flight: QueuedJob, seconds: float) -> None:
        """Charge its plot what a flight has really taken."""
        if flight.plot in self._had:
            self._had[flight.plot] += seconds - flight.charged
        flight.charged = 0.0

    def drop(self, flight: QueuedJob) -> None:
        """Let a flight wait no longer."""
        if flight in self:
            del self._waiting[flight.key]
            self._plots[flight.plot] -= 1
            self._plots += Counter()  # without those that are at zero

    def _had_by(self, plot: str) -> float:
        """Return the seconds that a plot has had; one that asked for nothing meanwhile has saved none up."""
        had = self._had.get(plot, 0.0)
        return had if plot in self._plots else max(self._level, had)


def remember(table: dict[Any, Any], key: object, value: object) -> None:
    """Put `value` into a table that must not grow without end: the oldest entries go."""
    table.pop(key, None)
    table[key] = value
    while len(table) > MOST_REMEMBERED:
        table.pop(next(iter(table)))


def _names(flight: QueuedJob) -> tuple[str, ...]:
    """Return the datasets that a flight reads, whatever their parameters."""
    return tuple(sorted({id.partition("?")[0] for id in flight.data}))


def _blend(before: float | None, latest: float) -> float:
    return latest if before is None else before + _NEWEST * (latest - before)
