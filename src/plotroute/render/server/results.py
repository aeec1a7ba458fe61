"""Take what workers send about their jobs, and reply to the requests that wait for it."""

from __future__ import annotations

import json
import logging
import time

from plotroute.errors import AnswerError, PlotCrashed, PlotFailed, RenderTimeout, from_wire
from plotroute.render.messages import (
    AboutJob,
    Begun,
    DataAtHand,
    Draw,
    Ended,
    Failure,
    FindVersion,
    FoundVersion,
    Picture,
    Result,
    TryAgain,
)
from plotroute.render.server import worker_memory
from plotroute.render.server.children import WorkerHandle
from plotroute.render.server.connections import Clients, Waiter
from plotroute.render.server.data_versions import KnownVersions
from plotroute.render.server.dispatch import Dispatcher
from plotroute.render.server.fair_share import QueuedJob
from plotroute.render.server.pool import Pool
from plotroute.render.server.scheduler import Scheduler
from plotroute.render.server.timed_images import TimedImages
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

# Workers that a picture may lose before it has begun; after that, the picture may be what ends them.
_TRIES = 2

_STRAYED = "it has sent what belongs to no job of its own"


class Results:
    """What comes of the jobs of one render server."""

    def __init__(
        self,
        clients: Clients,
        pool: Pool,
        scheduler: Scheduler,
        versions: KnownVersions,
        images: TimedImages,
        dispatcher: Dispatcher,
        settings: Settings,
    ) -> None:
        self._clients = clients
        self._pool = pool
        self._scheduler = scheduler
        self._versions = versions
        self._images = images
        self._dispatcher = dispatcher
        self._settings = settings

    def received(self, worker: WorkerHandle, message: AboutJob, body: bytes) -> None:
        """Take a message of a worker about its job."""
        job = worker.job
        if job is None or message.number != worker.number:
            self.strayed(worker)
        elif isinstance(message, Begun):
            worker.begun = True
        elif isinstance(message, DataAtHand):
            self._dispatcher.data_at_hand(worker, job)
        elif isinstance(message, TryAgain):
            self._try_again(worker, job, message.reason)
        else:
            self._ended(worker, job, message, body)

    def strayed(self, worker: WorkerHandle) -> None:
        """Drop a frame that belongs to no job, and replace its worker: its next frame could be mistaken."""
        worker.strays += 1
        if worker.strays == 1:
            log.warning("render process %d sends what belongs to no job of its own: dropped", worker.pid)
        if worker.job is None and not worker.ending:
            self._pool.retire(worker, _STRAYED)

    def lost(self, worker: WorkerHandle) -> None:
        """End the job of a worker that has ended."""
        job, worker.job = worker.job, None
        if job is not None and not worker.begun and not worker.killed_for and job.tries < _TRIES:
            self._scheduler.put_back(job)
        elif job is not None:
            job.warms_up = False  # a plot that ends each of its workers does not become quicker
            error = worker.killed_for or PlotCrashed("Drawing ended its process")
            log.error("%s %s: %s", job.request_id, job.plot, _end_of_drawing(error, worker.pid, job))
            self.fail(job, error)
        self._dispatcher.dispatch()

    def fail(self, job: QueuedJob, error: AnswerError) -> None:
        """End a job with an error."""
        self._finish(job, error, Failure(error=error.to_wire()))

    def _try_again(self, worker: WorkerHandle, job: QueuedJob, reason: str) -> None:
        worker.job = None
        job.queue_until = time.monotonic() + self._settings.queue_timeout  # the picture is not at fault
        self._scheduler.put_back(job)
        self._pool.retire(worker, reason)
        self._dispatcher.dispatch()

    def _ended(self, worker: WorkerHandle, job: QueuedJob, message: Ended, body: bytes) -> None:
        worker.job = None
        worker.renders += 1
        worker.drawn.add(job.plot)
        if message.recycle:  # the worker ends, so the next drawing takes as long
            job.warms_up = False
        result = message.result
        error = from_wire(dict(result.error)) if isinstance(result, Failure) else None
        if isinstance(job.work, FindVersion):
            self._learn_version(worker, job, job.work, result, error)
        if error is None:
            worker.zygote.faulty.discard(job.plot)
        elif job.fresh and error.code == PlotFailed.code:
            worker.zygote.faulty.add(job.plot)
        if job.ttl and isinstance(result, Picture) and worker.zygote.code == job.code:
            self._images.put(job.key, result, body, job.ttl)
        self._finish(job, error, result, body)
        reason = message.recycle or worker_memory.reason_to_replace(worker, self._settings.render_memory)
        if worker.strays:
            reason = _STRAYED
        if reason or worker.renders >= worker.most_renders:
            self._pool.retire(worker, reason)
        self._dispatcher.dispatch()

    def _learn_version(
        self,
        worker: WorkerHandle,
        job: QueuedJob,
        work: FindVersion,
        result: Result,
        error: AnswerError | None,
    ) -> None:
        """Note the version that a worker has found, unless it is of older code or older data."""
        if isinstance(result, FoundVersion) and worker.zygote is self._pool.current and not job.outdated:
            self._versions.learn(work.ref, result)
            worker.loaded |= job.data
            self._clients.send_all(self._versions.news(self._pool.code))
        if error is not None:
            self._versions.failed(work.ref)
            if not job.waiters:
                log.error("%s: %s\n%s", job.key, error.title, error.detail)

    def _finish(self, job: QueuedJob, error: AnswerError | None, result: Result, body: bytes = b"") -> None:
        for waiter in self._scheduler.finish(job, error):
            assert isinstance(waiter, Waiter)
            self._clients.reply(waiter, result, body)


def _end_of_drawing(error: AnswerError, pid: int, job: QueuedJob) -> str:
    """Return the sentence of the log about a drawing that ended with its worker."""
    cure = ""
    if error.code == RenderTimeout.code:
        cure = "; timeout= of the plot sets another limit, PLOTROUTE_RENDER_TIMEOUT that of all plots"
    values = json.loads(job.work.job).get("values", {}) if isinstance(job.work, Draw) else {}
    parameters = " ".join(f"{name}={json.dumps(value)}" for name, value in values.items())
    return f"{error.title}, so process {pid} is gone{cure}. Asked for: {parameters[:500] or 'no parameters'}"
