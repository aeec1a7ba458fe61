"""Forecast how long a picture would wait: play the queue through as the render server will.

Pure: the durations are those of earlier drawings, and the time is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plotroute.render.server.fair_share import Durations, Lane, QueuedJob


@dataclass(eq=False)
class _Played:
    """A worker while the queue is played through."""

    free_in: float
    loaded: set[str]
    long: bool
    """Whether its job, until then, takes long."""


class Forecast:
    """What the workers that could do a job will do. Seconds count from now."""

    def __init__(self, durations: Durations, queue_timeout: float, now: float, lanes: Sequence[Lane]) -> None:
        self._durations = durations
        self._queue_timeout = queue_timeout
        self._now = now
        self._loading: dict[str, float] = {}
        """Id of data → in how many seconds the worker that loads it is expected to have it."""
        self._lanes = [self._played(lane) for lane in lanes]

    def _played(self, lane: Lane) -> _Played:
        at = lane.job
        if at is None:
            return _Played(0.0, set(lane.loaded), False)
        left = self._durations.left(at, self._now)
        if at.data_at is None:
            load = left - self._durations.drawing(at)
            self._loading.update(dict.fromkeys(at.data.difference(lane.loaded), load))
        return _Played(left, {*at.data, *lane.loaded}, self._is_long(at))

    def wait(self, jobs: Iterable[QueuedJob], job: QueuedJob) -> float:
        """Return the seconds until a worker begins `job`, which is among `jobs`, in their order.

        So a job does not wait where a worker is idle, whatever the other workers do; and jobs whose data is
        being loaded take no worker from the jobs behind them.
        """
        waiting = list(jobs)
        at = 0.0
        while True:
            free = [lane for lane in self._lanes if lane.free_in <= at]
            one, lane = self._next(waiting, free, at)
            if one is job:
                return at
            if one is not None and lane is not None:
                waiting.remove(one)
                self._begin(one, lane, at)
                continue
            times = [lane.free_in for lane in self._lanes] + list(self._loading.values())
            times += [self._patient_until(one) for one in waiting]
            later = [time for time in times if time > at]
            if not later:  # nothing known delays it
                return at
            at = min(later)

    def leaves_one(self, job: QueuedJob) -> bool:
        """Whether other jobs still have a worker while an idle worker does `job`.

        A job that takes longer than others may wait never gets the last worker without such a job: otherwise
        two slow reports would have every other picture refused.
        """
        return self._leaves_one(job, 0.0)

    def _next(
        self, waiting: Sequence[QueuedJob], free: Sequence[_Played], at: float
    ) -> tuple[QueuedJob, _Played] | tuple[None, None]:
        found = ((one, lane) for one in waiting for lane in free if self._may_begin(one, lane, at))
        return next(found, (None, None)) if free else (None, None)

    def _may_begin(self, job: QueuedJob, lane: _Played, at: float) -> bool:
        """Whether the render server would give that idle worker to the job (`Dispatcher.worker_for`)."""
        if not self._leaves_one(job, at):
            return False
        missing = job.data - lane.loaded
        if not missing:
            return True
        if any(self._loading.get(id, 0.0) > at for id in missing):
            return False
        having = [other for other in self._lanes if job.data <= other.loaded]
        if any(other.free_in <= at for other in having):
            return False
        return not having or at >= self._patient_until(job)

    def _patient_until(self, job: QueuedJob) -> float:
        """Return until when a job waits for a worker that has its data, before another one loads it too."""
        patience = min(self._durations.loading(job), self._queue_timeout / 2)
        return job.queued_at + patience - self._now

    def _begin(self, job: QueuedJob, lane: _Played, at: float) -> None:
        missing = job.data - lane.loaded
        lane.free_in = at + self._durations.whole(job, lane.loaded)
        lane.long = self._is_long(job)
        if missing:
            self._loading.update(dict.fromkeys(missing, lane.free_in - self._durations.drawing(job)))
        lane.loaded |= job.data

    def _leaves_one(self, job: QueuedJob, at: float) -> bool:
        if len(self._lanes) == 1 or not self._is_long(job):
            return True
        return sum(lane.long and lane.free_in > at for lane in self._lanes) < len(self._lanes) - 1

    def _is_long(self, job: QueuedJob) -> bool:
        """Whether a job takes longer than others may wait. A load counts once it has taken that long."""
        if job.started_at is not None and self._now - job.started_at > self._queue_timeout:
            return True
        return self._durations.at_most(job) > self._queue_timeout
