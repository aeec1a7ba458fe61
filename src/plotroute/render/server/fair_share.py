"""The order of queued jobs, and how long each takes: every plot gets a fair share of the workers.

Start-time fair queuing: next is the plot whose drawings have taken the least time so far, and within a plot
the job that was queued first. So fifty requests of a slow plot do not delay the pictures of other plots, and
a page of forty pictures of one plot still gets all workers.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter, deque
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from plotroute.render.messages import ToWorker

# Seconds that a plot is expected to take before a worker has drawn it twice.
_FIRST_GUESS = 0.3
# The weight of the last drawing against those before: after three slower ones most of the guess is theirs.
_NEWEST = 0.3

MOST_REMEMBERED = 10_000
"""Entries of a table by key or by plot: bounded, whatever requests come."""


@dataclass(eq=False)
class QueuedJob:
    """A job that waits or is under way, and the requests that wait for its result."""

    key: str
    plot: str
    work: ToWorker
    """What a worker is sent."""
    code: str
    """The version of the author's code that it is for."""
    data: frozenset[str]
    """Ids of the data that it reads."""
    timeout: float
    """Seconds it may take once its data is at hand."""
    request_id: str
    queued_at: float
    queue_until: float
    format: str = ""
    ttl: float = 0.0
    """Seconds for which its picture is kept for later requests."""
    role: str = "renderer"
    """Of the workers that can do it."""
    waiters: list[Hashable] = field(default_factory=list)
    started_at: float | None = None
    data_at: float | None = None
    fresh: bool = False
    """Whether it is the first job of its worker."""
    warms_up: bool = False
    """Whether its worker draws the plot for the first time, and so pays for imports and fonts as well."""
    loads: bool = False
    """Whether its worker had to load data for it."""
    tries: int = 0
    """How often it was given to a worker that ended, or had to be ended, before it began."""
    outdated: bool = False
    """Whether the app has reported a change of the data since it began: the version that it finds is old."""
    turn: float = math.inf
    """Its place among the jobs of its plot."""
    charged: float = 0.0
    """Seconds that its plot was charged when it began."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A worker, as a forecast needs it: its job, and the ids of the data that it has loaded."""

    job: QueuedJob | None = None
    loaded: Collection[str] = ()


class Durations:
    """How long drawings and loads have taken, in seconds."""

    def __init__(self) -> None:
        self._drawing: dict[str, dict[str, float]] = {}
        """Plot → format → seconds: the PDF of 50,000 points says nothing about the PNG."""
        self._warming_up: dict[str, float] = {}
        """Plot → seconds of the first drawing in a worker. An import in the plot's function may take most of
        it, on a small machine for longer than a picture may wait: a page of pictures after a start must not
        be refused for that."""
        self._loading: dict[tuple[str, ...], float] = {}

    def note(self, job: QueuedJob, now: float) -> None:
        """Learn from a job that has ended."""
        if job.started_at is None:
            return
        at_hand = job.data_at if job.data_at is not None else now
        if job.loads:
            names = _names(job)
            remember(self._loading, names, _blend(self._loading.get(names), at_hand - job.started_at))
        if job.data_at is not None or not job.loads:
            took = now - (job.started_at if job.data_at is None else job.data_at)
            if job.warms_up:
                remember(self._warming_up, job.plot, _blend(self._warming_up.get(job.plot), took))
                return
            formats = self._drawing.get(job.plot, {})
            formats[job.format] = _blend(formats.get(job.format), took)
            remember(self._drawing, job.plot, formats)

    def drawing(self, job: QueuedJob) -> float:
        """Return how long drawing is expected to take; in a new format, as long as in the quickest one."""
        if job.started_at is not None and job.warms_up and job.plot in self._warming_up:
            return self._warming_up[job.plot]
        formats = self._drawing.get(job.plot, {})
        return formats.get(job.format, min(formats.values(), default=_FIRST_GUESS))

    def at_most(self, job: QueuedJob) -> float:
        """Return how long drawing may take: as long as the first one, until a worker has drawn it twice."""
        if job.plot not in self._drawing and job.plot in self._warming_up:
            return self._warming_up[job.plot]
        return self.drawing(job)

    def loading(self, job: QueuedJob) -> float:
        """Return how long loading its data is expected to take."""
        return self._loading.get(_names(job), 0.0)

    def whole(self, job: QueuedJob, loaded: Collection[str]) -> float:
        """Return how long a worker that has the data in `loaded` is expected to take."""
        load = 0.0 if job.data.issubset(loaded) else self.loading(job)
        return load + self.drawing(job)

    def left(self, job: QueuedJob, now: float) -> float:
        """Return how long a job that has begun is expected to take from now on."""
        if job.started_at is None:
            return 0.0
        if job.data_at is None:
            load = self.loading(job) if job.loads else 0.0
            return abs(load - (now - job.started_at)) + self.drawing(job)
        spent = now - job.data_at
        # A drawing that has taken longer than usual may take as much longer again, until its limit ends it.
        return min(abs(self.drawing(job) - spent), max(0.0, job.timeout - spent))


class Turns:
    """The queued jobs, and how much time each plot has had."""

    def __init__(self, durations: Durations) -> None:
        self._durations = durations
        self._waiting: dict[str, QueuedJob] = {}
        self._plots: Counter[str] = Counter()
        """Plot → how many of its jobs wait."""
        self._numbers = itertools.count(1)
        self._had: dict[str, float] = {}
        """Plot → seconds of workers that it has had, as far as that matters."""
        self._level = 0.0
        """Seconds that the plot that was last chosen had had before: a new plot begins with as many."""

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def __contains__(self, job: QueuedJob) -> bool:
        """Whether the job waits."""
        return self._waiting.get(job.key) is job

    def __iter__(self) -> Iterator[QueuedJob]:
        """Go through the queued jobs, next first."""
        return self.order(list(self._waiting.values()))

    def order(self, jobs: Iterable[QueuedJob]) -> Iterator[QueuedJob]:
        """Yield `jobs`, queued or about to be queued, next first."""
        plots: dict[str, deque[QueuedJob]] = {}
        for job in sorted(jobs, key=lambda job: job.turn):
            plots.setdefault(job.plot, deque()).append(job)
        heap = [(self._had_by(plot), own[0].turn, plot) for plot, own in plots.items()]
        heapq.heapify(heap)
        while heap:
            had, _, plot = heapq.heappop(heap)
            job = plots[plot].popleft()
            yield job
            if plots[plot]:
                had += self._durations.drawing(job)
                heapq.heappush(heap, (had, plots[plot][0].turn, plot))

    def add(self, job: QueuedJob) -> None:
        """Queue a job: behind the others of its plot, or at its place from before."""
        remember(self._had, job.plot, self._had_by(job.plot))
        job.turn = min(job.turn, next(self._numbers))
        self._waiting[job.key] = job
        self._plots[job.plot] += 1

    def begin(self, job: QueuedJob) -> None:
        """Note that a worker has begun the job."""
        had = self._had_by(job.plot)
        self.drop(job)
        self._level = max(self._level, had)
        job.charged = self._durations.drawing(job)
        self._had[job.plot] = had + job.charged

    def charge(self, job: QueuedJob, seconds: float) -> None:
        """Charge a plot the seconds that its job has really taken."""
        if job.plot in self._had:
            self._had[job.plot] += seconds - job.charged
        job.charged = 0.0

    def drop(self, job: QueuedJob) -> None:
        """Take a job out of the queue."""
        if job in self:
            del self._waiting[job.key]
            self._plots[job.plot] -= 1
            self._plots += Counter()  # without those that are at zero

    def _had_by(self, plot: str) -> float:
        """Return the seconds that a plot has had. A plot without requests saves none up."""
        had = self._had.get(plot, 0.0)
        return had if plot in self._plots else max(self._level, had)


def remember(table: dict[Any, Any], key: object, value: object) -> None:
    """Put `value` into a table that must not grow without end: the oldest entries are evicted."""
    table.pop(key, None)
    table[key] = value
    while len(table) > MOST_REMEMBERED:
        table.pop(next(iter(table)))


def _names(job: QueuedJob) -> tuple[str, ...]:
    """Return the datasets that a job reads, whatever their parameters."""
    return tuple(sorted({id.partition("?")[0] for id in job.data}))


def _blend(before: float | None, latest: float) -> float:
    return latest if before is None else before + _NEWEST * (latest - before)
