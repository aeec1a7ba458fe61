"""Make jobs of requests: a picture to draw, or the version of some data to find."""

from __future__ import annotations

import time
from typing import Literal

from plotroute.model import DatasetRef
from plotroute.render.messages import AskVersion, Draw, DrawPicture, FindVersion
from plotroute.render.server.data_versions import KnownVersions
from plotroute.render.server.fair_share import QueuedJob
from plotroute.render.server.pool import Pool
from plotroute.settings import Settings


class JobMaker:
    """Makes the jobs of one render server."""

    def __init__(self, pool: Pool, versions: KnownVersions, settings: Settings) -> None:
        self._pool = pool
        self._versions = versions
        self._settings = settings

    def drawing(self, request: DrawPicture) -> QueuedJob:
        """Return the job that draws a picture."""
        now = time.monotonic()
        return QueuedJob(
            key=request.key,
            plot=request.plot,
            work=Draw(job=request.job),
            code=request.code or self._pool.code,
            data=frozenset(request.data),
            timeout=request.timeout or self._settings.render_timeout,
            request_id=request.request_id,
            format=request.format,
            ttl=request.ttl,
            queued_at=now,
            queue_until=now + self._settings.queue_timeout,
        )

    def asked_version(self, request: AskVersion) -> QueuedJob:
        """Return the job that finds the version that a request asks for."""
        ref = request.ref
        self._versions.use(ref)
        if not self._versions.has_changed(ref):
            return self.version("version", ref)
        job = self.version("poll" if self._pool.is_polled(ref.name) else "reload", ref)
        job.key = f"version:{ref.id}"
        return job

    def version(self, how: Literal["version", "reload", "poll"], ref: DatasetRef) -> QueuedJob:
        """Return the job that finds the version of some data in one of the ways of `FindVersion`."""
        now = time.monotonic()
        # The watcher finds declared versions, so that plots that hang cannot keep them from being known.
        polled = self._pool.is_polled(ref.name)
        return QueuedJob(
            key=f"{how}:{ref.id}",
            plot=f"{'poll' if polled else 'data'}:{ref.name}",
            work=FindVersion(how=how, ref=ref),
            code=self._pool.code,
            data=frozenset([ref.id]),
            timeout=self._settings.render_timeout,
            request_id="-",
            role="watcher" if polled else "renderer",
            queued_at=now,
            queue_until=now + self._settings.queue_timeout,
        )
