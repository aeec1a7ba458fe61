"""All zygotes and workers of the render server: as many as there should be, of the right code.

A zygote becomes the current one when a worker of it is ready; an older zygote ends when no job needs it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from plotroute.data.opened_files import States
from plotroute.model import Frame
from plotroute.render.messages import (
    AboutJob,
    Forked,
    FromWorker,
    ImportFailed,
    Ready,
    ToWorker,
    WorkerEnded,
    zygote_news,
)
from plotroute.render.server import worker_memory
from plotroute.render.server.children import WorkerHandle, ZygoteHandle, adopt, log_end
from plotroute.render.server.connections import Watch
from plotroute.render.server.worker_channels import WorkerChannels
from plotroute.render.system import machine
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

# Deaths per second above which new workers wait: a plots file whose fork dies at once must not spin.
_MOST_DEATHS = 20
# Seconds in which a worker reads its job, which usually takes milliseconds. A worker that takes longer is
# stopped, or stuck in what the author's code has left behind. Twice that still leaves a request time for a
# drawing in another worker.
_READS_WITHIN = 3.0
# Workers of a new version that may end before they are ready: a single one may be bad luck.
_STILLBORN = 3
# Seconds beyond `import_timeout`, in which a worker makes the app: without end, it would help no request.
_READY_SLACK = 2.0
# Seconds for a worker to end by itself: a worker that does not is stuck in the author's code.
_ENDS_WITHIN = 2.0
# Seconds for an import that took too long to print where it is.
_SAYS_WITHIN = 1.0


class Events(Protocol):
    """What the pool reports to its owner."""

    def loaded(self, zygote: ZygoteHandle) -> None:
        """A new version of the code is the current one."""

    def failed(self, problem: str, detail: Sequence[Frame], files: States) -> None:
        """The newest version of the code does not load; `files` are those that its import has read."""

    def ready(self) -> None:
        """A worker has become ready, and has no job yet."""

    def received(self, worker: WorkerHandle, message: AboutJob, body: bytes) -> None:
        """A worker has sent a message about a job."""

    def strayed(self, worker: WorkerHandle) -> None:
        """A worker has sent a frame that makes no sense from it now."""

    def lost(self, worker: WorkerHandle) -> None:
        """A worker has ended, with its job if it had one."""


class Pool:
    """The zygotes and workers of one render server."""

    def __init__(
        self,
        watch: Watch,
        events: Events,
        start: Callable[[Callable[[], None]], ZygoteHandle],
        settings: Settings,
        directory: str,
    ) -> None:
        """Start with no zygote.

        Args:
            watch: Where the descriptors of zygotes and workers are watched.
            events: What is told of zygotes and workers.
            start: Forks a zygote, and calls its argument in the fork.
            settings: The settings of the server.
            directory: Where workers keep temporary files.
        """
        self._watch = watch
        self._events = events
        self._channels = WorkerChannels(watch, self._on_message, events.strayed)
        self._start = start
        self._settings = settings
        self._directory = directory
        self.size = settings.render_processes or machine.default_renderers(settings.render_memory)
        self.current: ZygoteHandle | None = None
        self._zygotes: list[ZygoteHandle] = []
        self._workers: dict[int, WorkerHandle] = {}
        self._deaths: list[float] = []

    def __iter__(self) -> Iterator[WorkerHandle]:
        """Go through the workers that there are now."""
        return iter(list(self._workers.values()))

    @property
    def code(self) -> str:
        """Return the current version of the code; empty before any has loaded."""
        return self.current.code if self.current else ""

    def is_polled(self, dataset: str) -> bool:
        """Whether a dataset declares how its version is found: then the watcher finds it."""
        return self.current is not None and dataset in self.current.poll

    @property
    def loading(self) -> bool:
        """Whether a version of the code is being imported, or its first worker made."""
        return any(not (zygote.ready or zygote.failed) for zygote in self._zygotes)

    def load(self, in_child: Callable[[], None]) -> None:
        """Start a zygote of the code as it is saved now. `in_child` is called in the fork."""

        def let_go() -> None:
            in_child()
            self._let_go()

        zygote = self._start(let_go)
        self._zygotes.append(zygote)
        self._watch.add(zygote.news.fileno(), lambda: self._read_news(zygote))
        self._watch.add(zygote.control.fileno(), lambda: self._reported(zygote))
        self._watch.add(zygote.prints.output, lambda: self._printed(zygote))
        self._watch.add(zygote.pidfd, lambda: self._gone(zygote))

    def serving(self, code: str, role: str) -> list[WorkerHandle]:
        """Return the ready workers of a role, busy or not: of that code, or else of the current code."""
        zygote = self.current
        if zygote is not None and zygote.code != code:
            older = (g for g in self._zygotes if g.ready and not g.retired and g.code == code)
            zygote = next(older, zygote)
        return [p for p in self if p.role == role and p.ready and not p.ending and p.zygote is zygote]

    def give(self, worker: WorkerHandle, work: ToWorker) -> None:
        """Send a job to a worker, without waiting until it reads."""
        self._channels.send(worker, work)

    def retire(self, worker: WorkerHandle, reason: str | None) -> None:
        """Let an idle worker end by itself, and have another one made. A `reason` is logged."""
        if reason:
            log.warning("render process %d is replaced: %s", worker.pid, reason)
        worker.role, worker.ending = "retired", True
        worker.ends_by = time.monotonic() + _ENDS_WITHIN
        self._watch.drop(worker.channel.fileno())
        worker.channel.shutdown(socket.SHUT_RDWR)
        self.fill()

    def fill(self) -> None:
        """Ask for as many workers as are missing."""
        zygote = self.current
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < 1.0]
        if zygote is None or len(self._deaths) > _MOST_DEATHS:
            return
        for role, size in (("renderer", self.size), ("watcher", 1 if zygote.poll else 0)):
            there = sum(p.zygote is zygote and p.role == role for p in self)
            for _ in range(size - there - zygote.wanted.get(role, 0)):
                zygote.fork(role)

    def look_after(self, needed: Callable[[ZygoteHandle], bool]) -> None:
        """End what hangs, end what no job needs, and make what is missing.

        Args:
            needed: Whether a job still needs an older zygote.
        """
        now = time.monotonic()
        self._reap()
        for worker in self:
            if worker.role == "retired" and now > worker.ends_by:
                worker.kill(None)
            self._check_reads(worker, now)
        for zygote in list(self._zygotes):
            if zygote.imported and not zygote.ready:
                # Importing has a limit, and making the app has a limit.
                if now - zygote.started_at > 2 * self._settings.import_timeout + _READY_SLACK:
                    self._fail(zygote, "no process of the newest version of the code gets ready to draw")
            elif not zygote.ready:
                late = now - zygote.started_at - self._settings.import_timeout
                if late > 0:
                    # Its fault handler prints where the import hangs, and ends it.
                    zygote.late = True
                    os.kill(zygote.pid, signal.SIGKILL if late > _SAYS_WITHIN else signal.SIGABRT)
            elif zygote is not self.current and not zygote.retired:
                if not needed(zygote):
                    self._retire_zygote(zygote)
                elif not any(p.zygote is zygote and not p.ending for p in self):
                    self._fork_once(zygote)  # its last worker has ended, and jobs wait for one
        self.fill()

    def _fork_once(self, zygote: ZygoteHandle) -> None:
        if not zygote.wanted.get("renderer"):
            zygote.fork("renderer")

    def _check_reads(self, worker: WorkerHandle, now: float) -> None:
        """End a worker that does not read its job. Another worker then does that job."""
        if worker.ending:
            return
        if not worker.ready:
            late = now - worker.made_at > self._settings.import_timeout + _READY_SLACK
        else:
            late = worker.job is not None and not worker.begun and now - worker.sent_at > _READS_WITHIN
        if late:
            what = "read what it is sent" if worker.ready else "get ready"
            log.warning("render process %d is replaced: it does not %s", worker.pid, what)
            worker.kill(None)

    def check_memory(self) -> None:
        """End the workers that hold more memory than they may."""
        for worker in self:
            worker_memory.kill_if_too_large(worker, self._settings.render_memory)

    def stop(self) -> None:
        """End every worker at once."""
        for worker in self:
            worker.kill(None)

    def _let_go(self) -> None:
        """In a fork: close what belongs to the render server alone."""
        for worker in self:
            worker.close()
        for zygote in self._zygotes:
            zygote.close()

    def _reap(self) -> None:
        """Read the exit statuses of workers whose zygote ended before them: they have become our children."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _read_news(self, zygote: ZygoteHandle) -> None:
        """Read what a new zygote offers, or why its code does not load."""
        zygote.printed()  # the log has the lines before their consequence
        try:
            data = zygote.news.recv(2**18)
            messages = [zygote_news(header) for header, _ in zygote.unpacker.feed(data)]
        except OSError:  # a BrokenFrame too
            messages, data = [], b""
        for news in messages:
            if isinstance(news, ImportFailed):
                zygote.failed = True
                self._events.failed(news.problem, news.detail, news.files)
            else:
                zygote.learn(news)
                if self.current is None:  # no older version draws well
                    self._become_current(zygote)
                else:
                    zygote.fork("renderer")
        if not data:
            self._watch.drop(zygote.news.fileno())

    def _got_ready(self, worker: WorkerHandle, message: Ready) -> None:
        """Let a worker take jobs; the first ready worker of a zygote may make it the current one.

        Not before: code that imports may still not survive a fork, and the older version draws well. A worker
        with a `failure` is ready to answer why nothing can be drawn.
        """
        worker.ready = True
        zygote = worker.zygote
        if not zygote.ready and not zygote.failed:
            if message.failure is not None and self.current is not None:
                self._fail(zygote, message.failure, message.detail)
                return
            self._become_current(zygote)
        self._events.ready()

    def _become_current(self, zygote: ZygoteHandle) -> None:
        zygote.ready = True
        # An older save may take longer to import than a newer one.
        if self.current is None or zygote.started_at > self.current.started_at:
            self.current = zygote
            self.fill()
            self._events.loaded(zygote)

    def _fail(self, zygote: ZygoteHandle, problem: str, detail: Sequence[Frame] = ()) -> None:
        """Give up a zygote that has never drawn."""
        if not zygote.failed:
            zygote.failed = True
            self._events.failed(problem, detail, zygote.files)
        if not zygote.retired:
            self._retire_zygote(zygote)

    def _reported(self, zygote: ZygoteHandle) -> None:
        """Read a message of a zygote: a new worker, or the end of one."""
        try:
            report = zygote.receive()
        except BlockingIOError:
            return
        except OSError:
            report = None
        if report is None:
            self._watch.drop(zygote.control.fileno())
            return
        message, ends = report
        if isinstance(message, WorkerEnded):
            log_end(message)
        else:
            self._adopt(zygote, message, ends)

    def _adopt(self, zygote: ZygoteHandle, message: Forked, ends: list[int]) -> None:
        try:
            worker = adopt(zygote, message, ends, self._settings, time.monotonic())
        except ProcessLookupError:  # it has ended already
            for end in ends:
                os.close(end)
            self._deaths.append(time.monotonic())
            return
        self._workers[worker.pid] = worker
        self._channels.open(worker)
        self._watch.add(worker.prints.output, lambda: self._printed(worker))
        self._watch.add(worker.pidfd, lambda: self._ended(worker))

    def _on_message(self, worker: WorkerHandle, message: FromWorker, body: bytes) -> None:
        if not isinstance(message, Ready):
            self._events.received(worker, message, body)
        elif worker.ready:
            self._events.strayed(worker)
        else:
            self._got_ready(worker, message)

    def _printed(self, printer: WorkerHandle | ZygoteHandle) -> None:
        if not printer.printed():
            self._watch.drop(printer.prints.output)

    def _ended(self, worker: WorkerHandle) -> None:
        """End the job of a worker that has ended, and have another worker made."""
        if self._workers.pop(worker.pid, None) is None:
            return
        if worker.killed_for is None and worker.role != "retired":
            with contextlib.suppress(OSError):
                self._channels.receive(worker)  # its last whole frames still count
        worker.printed()
        for number in (worker.channel.fileno(), worker.prints.output, worker.pidfd):
            self._watch.drop(number)
        worker.close()
        shutil.rmtree(os.path.join(self._directory, f"render-{worker.pid}"), ignore_errors=True)
        if worker.role != "retired":
            self._deaths.append(time.monotonic())
        self._events.lost(worker)
        zygote = worker.zygote
        if not (worker.ready or zygote.ready or zygote.failed):
            zygote.stillborn += 1
            if zygote.stillborn < _STILLBORN:
                self._fork_once(zygote)
            else:
                self._fail(zygote, "the processes that draw end as soon as they are forked")
        self.fill()

    def _retire_zygote(self, zygote: ZygoteHandle) -> None:
        zygote.retired = True
        for worker in self:
            if worker.zygote is zygote and worker.role != "retired":
                self.retire(worker, None)
        self._watch.drop(zygote.control.fileno())
        with contextlib.suppress(OSError):
            zygote.control.shutdown(socket.SHUT_RDWR)

    def _gone(self, zygote: ZygoteHandle) -> None:
        """Forget a zygote that has ended: it did not load, was retired, or was killed."""
        self._read_news(zygote)
        if not zygote.ready and not zygote.failed:
            what = f"Importing {', '.join(zygote.targets)} ended the process"
            if zygote.late:
                what = what.replace(
                    "ended the process",
                    f"took longer than {self._settings.import_timeout:g} s (import_timeout)",
                )
            elif zygote.imported:
                what = f"No process that draws can be forked after importing {', '.join(zygote.targets)}"
            zygote.failed = True
            self._events.failed(what, (), {})
        ends = (zygote.news.fileno(), zygote.control.fileno(), zygote.prints.output)
        for number in (*ends, zygote.pidfd):
            self._watch.drop(number)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(zygote.pid, 0)
        zygote.close()
        self._zygotes.remove(zygote)
        if zygote is self.current:
            log.error("the zygote %d ended; the code is loaded again", zygote.pid)
            self.current = None
