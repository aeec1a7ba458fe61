"""Hold jobs to their limits of time: waiting has one, loading another, drawing a third."""

from __future__ import annotations

import time

from plotroute.errors import (
    AnswerError,
    DatasetLoading,
    DatasetUnavailable,
    Draining,
    QueueFull,
    RenderTimeout,
)
from plotroute.render.messages import Failure
from plotroute.render.server.children import WorkerHandle
from plotroute.render.server.connections import Clients, Waiter
from plotroute.render.server.dispatch import Dispatcher
from plotroute.render.server.fair_share import QueuedJob
from plotroute.render.server.pool import Pool
from plotroute.settings import Settings

# A load may take so many times its limit: it goes on after its requests were told to come back.
_LOADS_UP_TO = 6
# Seconds of a poll: a version is one look at a file or a table, and a look that hangs costs the watcher.
_POLL_TIMEOUT = 10.0


class Deadlines:
    """The limits of the jobs of one render server."""

    def __init__(
        self, clients: Clients, pool: Pool, dispatcher: Dispatcher, settings: Settings, makes_app: bool
    ) -> None:
        """`makes_app`: each worker makes the author's app before it is ready."""
        self._clients = clients
        self._pool = pool
        self._dispatcher = dispatcher
        self._settings = settings
        self._makes_app = makes_app

    def check(self) -> None:
        """Kill the workers whose jobs take too long."""
        now = time.monotonic()
        for worker in self._pool:
            if worker.job is not None:
                self._check(worker, worker.job, now)

    def why_it_waited(self, job: QueuedJob) -> AnswerError:
        """Return the error of a job that no worker has begun in time."""
        serving = self._pool.serving(job.code, job.role)
        current = self._pool.current
        # Later there may be no worker for a moment, when all were killed for the time that they took.
        if not serving and (self._makes_app or not (current and current.ready)):
            return Draining("The app is still being made", headers={"Retry-After": "5"})
        if job.data & self._dispatcher.loading() and any(worker.job is None for worker in serving):
            return _still_loading()
        return QueueFull("Too many pictures are waiting to be drawn", headers={"Retry-After": "2"})

    def _check(self, worker: WorkerHandle, job: QueuedJob, now: float) -> None:
        assert job.started_at is not None
        if job.data_at is not None:
            if now - job.data_at > job.timeout:
                worker.kill(RenderTimeout(f"Drawing took longer than {job.timeout:g} s"))
            return
        loading = now - job.started_at
        most = _POLL_TIMEOUT if worker.role == "watcher" else self._settings.load_timeout * _LOADS_UP_TO
        if loading > most:
            worker.kill(DatasetUnavailable("Loading data took too long", headers={"Retry-After": "30"}))
        elif loading > self._settings.load_timeout and job.waiters:
            # The load goes on: a request that comes back finds it done.
            failure = Failure(error=_still_loading().to_wire())
            waiters, job.waiters = job.waiters, []
            for waiter in waiters:
                assert isinstance(waiter, Waiter)
                self._clients.reply(waiter, failure)


def _still_loading() -> DatasetLoading:
    return DatasetLoading("The data is still being loaded", headers={"Retry-After": "5"})
