"""Give queued jobs to idle workers: to a worker that has the data, if there is one."""

from __future__ import annotations

import time
from dataclasses import replace

from plotroute.render.messages import Draw
from plotroute.render.server.children import WorkerHandle
from plotroute.render.server.fair_share import Lane, QueuedJob
from plotroute.render.server.pool import Pool
from plotroute.render.server.scheduler import Scheduler
from plotroute.settings import Settings


class Dispatcher:
    """Chooses the worker of each job."""

    def __init__(self, pool: Pool, scheduler: Scheduler, settings: Settings) -> None:
        self._pool = pool
        self._scheduler = scheduler
        self._settings = settings
        self._load_seconds: dict[str, float] = {}
        """Id of data → how long its last load took, for the first drawing that read it."""

    def dispatch(self) -> None:
        """Begin every queued job that an idle worker can do now."""
        idle = {worker.role for worker in self._pool if worker.job is None and worker.ready}
        for job in list(self._scheduler.queue):
            worker = self.worker_for(job) if job.role in idle else None
            if worker is not None:
                self._begin(job, worker)

    def lanes(self, job: QueuedJob) -> list[Lane]:
        """Return the workers that could do a job; workers that are being started count as idle."""
        lanes = [Lane(worker.job, worker.loaded) for worker in self._pool.serving(job.code, job.role)]
        if lanes and job.code == self._pool.code and job.role == "renderer":
            lanes += [Lane()] * (self._pool.size - len(lanes))
        return lanes

    def worker_for(self, job: QueuedJob) -> WorkerHandle | None:
        """Return the idle worker that should do a job now, or None if the job is to wait.

        While a worker loads some data no other begins to load it: a cold page sends one query to a database.
        """
        serving = self._pool.serving(job.code, job.role)
        idle = [worker for worker in serving if worker.job is None]
        worker = max(idle, key=lambda worker: len(worker.loaded & job.data), default=None)
        if worker is None or worker.role == "watcher":
            return worker
        missing = job.data - worker.loaded
        if missing & self.loading() or self._better_waits(job, missing, worker):
            return None
        return worker if self._scheduler.may_begin(job, self.lanes(job)) else None

    def loading(self) -> set[str]:
        """Return the ids of the data that workers are loading now."""
        loading: set[str] = set()
        for worker in self._pool:
            if worker.role == "renderer" and worker.job is not None and worker.job.data_at is None:
                loading |= worker.job.data - worker.loaded
        return loading

    def data_at_hand(self, worker: WorkerHandle, job: QueuedJob) -> None:
        """Note that a worker has loaded the data of its job."""
        job.data_at = time.monotonic()
        if job.data <= worker.loaded:
            return
        assert job.started_at is not None
        self._load_seconds |= dict.fromkeys(job.data - worker.loaded, job.data_at - job.started_at)
        worker.loaded |= job.data
        worker.floor = 0

    def forget_loads(self) -> None:
        """Forget how long loads have taken: the code has changed."""
        self._load_seconds.clear()

    def _better_waits(self, job: QueuedJob, missing: frozenset[str], idle: WorkerHandle) -> bool:
        """Whether a busy worker has the data, and will be idle sooner than another load would take."""
        waited = time.monotonic() - job.queued_at
        seconds = sum(self._load_seconds.get(id, 0.0) for id in missing)
        # Half of the time that a request may wait: after that a second worker loads the data as well.
        if waited >= min(seconds, self._settings.queue_timeout / 2):
            return False
        return any(
            job.data <= other.loaded and other.job is not None and other.role == "renderer"
            for other in self._pool
            if other.zygote is idle.zygote
        )

    def _begin(self, job: QueuedJob, worker: WorkerHandle) -> None:
        job.fresh, job.warms_up = not worker.renders, job.plot not in worker.drawn
        self._scheduler.begin(job, loads=not job.data <= worker.loaded)
        worker.job = job
        work = job.work
        if isinstance(work, Draw):
            work = replace(work, own_fault=job.fresh or job.plot in worker.zygote.faulty)
        self._pool.give(worker, work)
