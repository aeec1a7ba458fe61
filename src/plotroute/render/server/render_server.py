"""The render server's loop: it owns the queue, the jobs and every deadline of one machine's drawings.

One thread, which waits for descriptors and never for a process. It runs no author code: its forks do.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from plotroute.catalog.environment import environment_hash
from plotroute.data.opened_files import States
from plotroute.model import Frame
from plotroute.render import startup
from plotroute.render.drawing.app_context import Recipe
from plotroute.render.messages import (
    AboutJob,
    AskVersion,
    CheckFiles,
    DataChanged,
    DrawPicture,
    Failure,
    FromWeb,
    Heard,
    Hello,
)
from plotroute.render.server.children import WorkerHandle, ZygoteHandle, start_zygote
from plotroute.render.server.code_versions import CodeVersions
from plotroute.render.server.connections import Client, Clients, Waiter, Watch
from plotroute.render.server.data_changes import Changes
from plotroute.render.server.data_versions import KnownVersions
from plotroute.render.server.deadlines import Deadlines
from plotroute.render.server.dispatch import Dispatcher
from plotroute.render.server.new_jobs import JobMaker
from plotroute.render.server.pool import Pool
from plotroute.render.server.results import Results
from plotroute.render.server.scheduler import Scheduler
from plotroute.render.server.timed_images import TimedImages
from plotroute.render.system import process_tree
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

CANNOT_LOAD = 2
"""Exit status where the plots do not load at the start: trying again would not help."""

# Seconds between looks at deadlines, at memory, and at files and versions.
_TICK, _MEMORY_EVERY, _FILES_EVERY = 0.1, 0.2, 0.5
# Seconds for killed processes to end: they end at once, unless they wait for a disk.
_ENDED_WITHIN = 1.0


class RenderServer:
    """The render server of one machine. It is the `Events` of its pool."""

    def __init__(self, listener: socket.socket, configuration: dict[str, Any]) -> None:
        """Read the configuration, which `client/launch.py` and the supervisor write."""
        settings = self._settings = Settings(**configuration["settings"])
        self._targets = tuple(configuration["targets"])
        self._built_in = tuple(configuration.get("built_in", ()))
        self._development = bool(configuration["development"])
        self._environment = environment_hash(settings.cache_namespace)
        self._recipe = Recipe(**configuration.get("app", {}))
        self._lenient = bool(configuration.get("lenient", False))
        self._directory = str(configuration["directory"])
        self._idle_after = float(configuration.get("idle_after", math.inf))
        self._left_at = time.monotonic()
        """When a web process was last connected."""
        self._listener = listener
        self._watch = Watch()
        self._clients = Clients(listener, self._watch, self._on_message, self._on_left)
        self._pool = Pool(self._watch, self, self._start_zygote, settings, self._directory)
        self._scheduler = Scheduler(time.monotonic, settings.queue_timeout)
        self._versions = KnownVersions(time.monotonic)
        self._images = TimedImages(time.monotonic, settings.cache_memory)
        self._changes = Changes(time.monotonic, self._clients.reply)
        self._jobs = JobMaker(self._pool, self._versions, settings)
        self._dispatcher = Dispatcher(self._pool, self._scheduler, settings)
        self._deadlines = Deadlines(
            self._clients, self._pool, self._dispatcher, settings, bool(self._recipe.factory)
        )
        self._results = Results(
            self._clients,
            self._pool,
            self._scheduler,
            self._versions,
            self._images,
            self._dispatcher,
            settings,
        )
        self._code = CodeVersions(
            self._targets,
            self._pool,
            self._clients,
            greeting=str(configuration["greeting"]),
            lenient=self._lenient,
            again_after=float(configuration.get("again_after", math.inf)),
        )
        self._due: dict[str, float] = {}
        self._stopping = False
        self.status = 0
        """The exit status."""

    def run(self) -> None:
        """Serve until the supervisor says stop, by SIGUSR1."""
        signal.signal(signal.SIGUSR1, self._on_stop)
        is_sidecar = self._idle_after < math.inf
        # Ctrl-C, and what containers send to every process, is for the supervisor: first the web server
        # ends, and the pictures that it has promised are still drawn.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_terminate if is_sidecar else signal.SIG_IGN)
        signal.signal(signal.SIGHUP, self._on_reload)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())  # signals that came during the start count (`arrive`)
        while not self._stopping:
            self._tick()
            self._watch.wait(_TICK)
        self._pool.stop()
        _end_all()
        if is_sidecar:
            shutil.rmtree(self._directory, ignore_errors=True)

    # -- requests of web processes ------------------------------------------------------------------

    def _on_message(self, client: Client, message: FromWeb) -> None:
        if isinstance(message, Hello):
            self._clients.send(client, self._code.news())
            self._clients.send(client, self._versions.news(self._pool.code))
            return
        if isinstance(message, Heard):
            self._changes.heard(client, message.number)
            return
        waiter = Waiter(client, message.id)
        if isinstance(message, DataChanged):
            self._data_changed(waiter, message.datasets)
        elif isinstance(message, CheckFiles):
            self._code.check(waiter, self._close_in_child)
        elif isinstance(message, DrawPicture) and (kept := self._images.get(message.key)) is not None:
            self._clients.reply(waiter, *kept)
        else:
            self._queue(waiter, message)

    def _queue(self, waiter: Waiter, request: DrawPicture | AskVersion) -> None:
        """Let a request wait for a job, or refuse it."""
        if isinstance(request, DrawPicture):
            job = self._jobs.drawing(request)
        else:
            job = self._jobs.asked_version(request)
        at_once = self._dispatcher.worker_for(job) is not None
        error = self._scheduler.join(job, waiter, self._dispatcher.lanes(job), at_once=at_once)
        if error is not None:
            self._clients.reply(waiter, Failure(error=error.to_wire()))
        self._dispatcher.dispatch()

    def _data_changed(self, waiter: Waiter, names: tuple[str, ...]) -> None:
        """Forget the versions of datasets, and reply once every web process has forgotten them as well."""
        self._versions.change(names)
        self._scheduler.outdate(names)
        number = self._changes.begin(waiter, self._clients.all_introduced())
        self._clients.send_all(self._versions.news(self._pool.code, number))
        self._changes.end()

    def _on_left(self, client: Client) -> None:
        self._changes.left(client)
        for job in list(self._scheduler.jobs.values()):
            for waiter in job.waiters[:]:
                if isinstance(waiter, Waiter) and waiter.client is client:
                    self._scheduler.leave(waiter)

    # -- the events of the pool ---------------------------------------------------------------------

    def loaded(self, zygote: ZygoteHandle) -> None:
        """Send every web process the news of a new version of the code."""
        self._versions.forget()
        self._dispatcher.forget_loads()
        self._code.loaded(zygote)
        # No version is known for this code. A web process that went on with the versions of the last zygote,
        # of the same code, would show old pictures for a minute.
        self._clients.send_all(self._versions.news(self._pool.code))
        self._dispatcher.dispatch()

    def failed(self, problem: str, detail: Sequence[Frame], files: States) -> None:
        """Send why the newest version of the code does not load; at the start of a server, end."""
        self._code.watch_failed(files)
        if self._pool.current is None and not self._development:
            text = "".join(frame.text for frame in detail)
            print(f"{problem}\n{text}".rstrip(), file=sys.stderr, flush=True)
            self.status = CANNOT_LOAD
            self._stopping = True
            return
        self._code.failed(problem, detail)

    def ready(self) -> None:
        """Give a new worker a job."""
        self._dispatcher.dispatch()

    def received(self, worker: WorkerHandle, message: AboutJob, body: bytes) -> None:
        """Take a message of a worker about its job."""
        self._results.received(worker, message, body)

    def strayed(self, worker: WorkerHandle) -> None:
        """Drop a frame that belongs to no job."""
        self._results.strayed(worker)

    def lost(self, worker: WorkerHandle) -> None:
        """End the job of a worker that has ended."""
        self._results.lost(worker)

    def _start_zygote(self, in_child: Callable[[], None]) -> ZygoteHandle:
        return start_zygote(
            self._targets,
            self._built_in,
            self._settings,
            self._environment,
            self._recipe,
            self._lenient,
            self._directory,
            time.monotonic(),
            in_child,
        )

    def _close_in_child(self) -> None:
        """In a fork: close what belongs to the render server alone, and every way back to it."""
        self._watch.close()
        self._clients.close()

    # -- time ---------------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._deadlines.check()
        for job in self._scheduler.overdue():
            self._results.fail(job, self._deadlines.why_it_waited(job))
        if self._is_due("memory", _MEMORY_EVERY):
            self._pool.check_memory()
        if self._is_due("files", _FILES_EVERY) or self._code.reload_asked:
            self._code.look_at_files(self._close_in_child)
            self._refresh_versions()
            self._pool.look_after(self._is_needed)
        self._changes.end()
        self._end_if_idle()

    def _refresh_versions(self) -> None:
        """Queue the polls and loads that are due."""
        if self._pool.current is None:
            return
        for how, ref in self._versions.due(self._pool.current.poll):
            job = self._jobs.version(how, ref)
            if job.key not in self._scheduler.jobs:
                self._scheduler.add(job)
        self._dispatcher.dispatch()

    def _is_needed(self, zygote: ZygoteHandle) -> bool:
        """Whether a job still has to be drawn by an older version of the code."""
        jobs = self._scheduler.jobs.values() if self._pool.current and self._pool.code != zygote.code else ()
        waiting = any(job.code == zygote.code for job in jobs)
        return waiting or any(worker.job and worker.zygote is zygote for worker in self._pool)

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every
        return True

    def _end_if_idle(self) -> None:
        """End when no web process has been connected for `idle_after` seconds, and none is about to connect.

        Probes do not count: each app that starts its server looks whether the servers of others are alive.
        """
        now = time.monotonic()
        if self._clients.introduced():
            self._left_at = now
        elif now - self._left_at > self._idle_after and not self._clients and startup.close(self._listener):
            self._stopping = True

    # -- signals ------------------------------------------------------------------------------------

    def _on_terminate(self, *_: object) -> None:
        """Wait no longer for web processes: the whole service is being stopped, and they will not be back."""
        self._idle_after = min(self._idle_after, 0.5)

    def _on_stop(self, *_: object) -> None:
        self._stopping = True

    def _on_reload(self, *_: object) -> None:
        self._code.reload_asked = True


def _end_all() -> None:
    """End zygotes, and what plots have started and left behind, and wait until they have ended.

    Otherwise another process would become their parent: a gunicorn that is the first process of a container
    takes them for its workers.
    """
    process_tree.kill_descendants(os.getpid())
    until = time.monotonic() + _ENDED_WITHIN
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < until:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                time.sleep(0.01)
