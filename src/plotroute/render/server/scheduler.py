"""Decide which job is next and which is refused: the queue, expected waits, shared failures, circuits.

Pure bookkeeping on a clock that is handed in. `dispatch` chooses the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence

from plotroute.errors import SHARE_FAILURES_FOR, AnswerError, CircuitOpen, QueueFull
from plotroute.render.messages import FindVersion
from plotroute.render.server.fair_share import Durations, Lane, QueuedJob, Turns, remember
from plotroute.render.server.forecast import Forecast

OPEN_AFTER = 3
"""Time-outs of one picture in a row, without a success, after which its circuit opens."""

OPEN_FOR = 30.0
"""Seconds for which an open circuit refuses a picture: time for a database or a service to recover."""


class Scheduler:
    """The jobs of one render server."""

    def __init__(self, clock: Callable[[], float], queue_timeout: float) -> None:
        self._clock = clock
        self._queue_timeout = queue_timeout
        self._durations = Durations()
        self.jobs: dict[str, QueuedJob] = {}
        self.queue = Turns(self._durations)
        self._failures: dict[str, tuple[AnswerError, float]] = {}
        self._timeouts: dict[str, tuple[int, float]] = {}
        self._outdated = 0

    def join(
        self, job: QueuedJob, waiter: Hashable, lanes: Sequence[Lane], *, at_once: bool = False
    ) -> AnswerError | None:
        """Let `waiter` wait for the job of that key, which is queued unless it is known already.

        Args:
            job: The job.
            waiter: The request that waits for its result.
            lanes: The workers that could do the job.
            at_once: Whether an idle worker will do it now.

        Returns:
            The error if the request is refused, else None.
        """
        now = self._clock()
        under_way = self.jobs.get(job.key)
        if under_way is not None:
            under_way.waiters.append(waiter)
            return None
        failed = self._failures.get(job.key)
        if failed and now - failed[1] <= SHARE_FAILURES_FOR:
            return failed[0]
        count, last = self._timeouts.get(job.key, (0, 0.0))
        if count >= OPEN_AFTER and now - last < OPEN_FOR:
            left = max(1, round(OPEN_FOR - (now - last)))
            return CircuitOpen(
                "This picture has taken too long several times", headers={"Retry-After": str(left)}
            )
        wait = 0.0 if at_once else self.expected_wait(job, lanes)
        if wait > self._queue_timeout:
            retry = str(max(1, round(wait - self._queue_timeout)))
            return QueueFull("Too many pictures are waiting to be drawn", headers={"Retry-After": retry})
        job.waiters.append(waiter)
        self.add(job)
        return None

    def add(self, job: QueuedJob) -> None:
        """Queue a job that no request waits for, or not yet."""
        self.jobs[job.key] = job
        self.queue.add(job)

    def expected_wait(self, job: QueuedJob, lanes: Sequence[Lane]) -> float:
        """Return the seconds until a worker of `lanes` would begin a job that comes now."""
        if not lanes:  # they are being started, and the queue does not know how long that takes
            return 0.0
        alike = [other for other in self.queue if (other.code, other.role) == (job.code, job.role)]
        order = self.queue.order(alike if job in self.queue else [*alike, job])
        return self._forecast(lanes).wait(order, job)

    def may_begin(self, job: QueuedJob, lanes: Sequence[Lane]) -> bool:
        """Whether a job may have an idle worker of `lanes`: not the last one, if the job takes long."""
        return self._forecast(lanes).leaves_one(job)

    def _forecast(self, lanes: Sequence[Lane]) -> Forecast:
        return Forecast(self._durations, self._queue_timeout, self._clock(), lanes)

    def begin(self, job: QueuedJob, loads: bool = False) -> None:
        """Note that a worker has begun the job, and whether it has to load data for it."""
        self.queue.begin(job)
        job.started_at, job.loads = self._clock(), loads

    def outdate(self, names: Collection[str]) -> None:
        """Let no request join a job that finds a version of the datasets `names`: they have changed since."""
        for key, job in list(self.jobs.items()):
            if job.started_at is None or _dataset(job) not in names:
                continue
            self._outdated += 1
            del self.jobs[key]
            job.key, job.outdated = f"{key} before {self._outdated}", True
            self.jobs[job.key] = job

    def put_back(self, job: QueuedJob) -> None:
        """Queue a job that had not really begun again, at its old place."""
        self.queue.charge(job, 0.0)
        job.started_at = job.data_at = None
        job.loads = False
        job.tries += 1
        self.queue.add(job)

    def finish(self, job: QueuedJob, error: AnswerError | None) -> list[Hashable]:
        """End a job; return the requests that wait for its result."""
        now = self._clock()
        self.jobs.pop(job.key, None)
        self.queue.drop(job)
        if job.started_at is not None:
            self.queue.charge(job, now - job.started_at)
            self._durations.note(job, now)
        if error is None:
            self._timeouts.pop(job.key, None)
        elif error.shared:
            remember(self._failures, job.key, (error, now))
            if error.code == "render_timeout":
                count, _ = self._timeouts.get(job.key, (0, now))
                remember(self._timeouts, job.key, (count + 1, now))
        return job.waiters

    def leave(self, waiter: Hashable) -> None:
        """Forget a waiter. A queued job without waiters is dropped."""
        for job in list(self.jobs.values()):
            if waiter in job.waiters:
                job.waiters.remove(waiter)
                if not job.waiters and job in self.queue:
                    self.jobs.pop(job.key)
                    self.queue.drop(job)

    def overdue(self) -> list[QueuedJob]:
        """Return the jobs that have waited too long for a worker."""
        now = self._clock()
        return [job for job in self.queue if now > job.queue_until]


def _dataset(job: QueuedJob) -> str:
    """Return the dataset whose version a job finds; empty for the job of a picture."""
    return job.work.ref.name if isinstance(job.work, FindVersion) else ""
