"""A worker: does jobs for the render server, one at a time, until its channel is closed or it is killed.

It is a fork of a zygote, so the author's code is imported already; data is loaded here, after the fork. Its
standard output goes to a pipe, whose lines the render server logs. Results go through the channel, and
nothing else does.
"""

from __future__ import annotations

import gc
import os
import select
import shutil
import socket
import sys
import tempfile
import threading
import traceback
from typing import NoReturn

from plotroute.errors import AnswerError, OutOfMemory, PlotCrashed, PlotFailed
from plotroute.model import Job, from_wire
from plotroute.model import to_wire as noun_to_wire
from plotroute.render.drawing.app_context import Host
from plotroute.render.drawing.drawing import JobRunner
from plotroute.render.drawing.duckdb_limits import cap_duckdb
from plotroute.render.frames import Channel
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
    Ready,
    Result,
    ToWorker,
    TryAgain,
    job_message,
    to_wire,
)
from plotroute.render.system import limits, process_tree
from plotroute.render.workers import refused_processes
from plotroute.settings import Settings

# Seconds between the kill from outside and the limit inside: a drawing may pause for the garbage collector.
_CPU_SLACK = 2.0

# A figure is full of reference cycles, and a collection while it is drawn makes its objects old, so that they
# stay until the rare full collection: 470 MB instead of 250 MB after a few heatmaps. So there is none before
# 50,000 objects, more than most figures have, and a collection of the young objects after each picture, which
# takes no more time in all.
_COLLECT_AFTER = (50_000, 10, 100)

# Seconds for which a worker that could not make its app answers why; the next worker tries again.
_FAILURE_STANDS = 10.0


class _Again(Exception):
    """The drawing may show an old state of a file, or lack an import: another worker is to draw."""


class WorkerProcess:
    """The loop of one worker, or of the watcher, which only finds versions."""

    def __init__(self, worker: JobRunner, host: Host, channel: Channel, settings: Settings) -> None:
        self._worker = worker
        self._host = host
        self._channel = channel
        self._settings = settings
        # Those of the app, which are there for every picture.
        self._threads = set(threading.enumerate())
        self._outputs = _outputs()
        self._hard_limits = limits.hard_limits()
        self._failed = ""
        """The last plot that was drawn, if its code failed."""

    def run(self) -> NoReturn:
        """Do jobs until the render server closes the channel."""
        while True:
            try:
                header, _ = self._channel.receive()
            except (EOFError, ConnectionError):
                leave(0)
            work = job_message(header)
            self._send(Begun(number=work.number))
            refused_processes.begin()
            try:
                result, body = self._do(work)
            except _Again as again:
                self._reason_to_end(work, "")
                self._send(TryAgain(number=work.number, reason=str(again)))
                continue
            code = str(result.error["code"]) if isinstance(result, Failure) else ""
            recycle = self._reason_to_end(work, code)
            self._send(Ended(number=work.number, result=result, recycle=recycle), body)

    def _send(self, message: AboutJob, body: bytes = b"") -> None:
        try:
            self._channel.send(to_wire(message), body)
        except OSError:
            leave(0)

    def _do(self, work: ToWorker) -> tuple[Result, bytes]:
        """Return the result of a job, or raise _Again."""
        try:
            return self._draw(work) if isinstance(work, Draw) else (self._find_version(work), b"")
        except _Again:
            raise
        except AnswerError as error:
            return _failure(refused_processes.explain(error)), b""
        except MemoryError:
            return _failure(OutOfMemory("The plot ran out of memory")), b""
        except BaseException:  # a fault of plotroute, or a plot's KeyboardInterrupt
            return _failure(PlotCrashed("Drawing ended early", detail=traceback.format_exc())), b""

    def _find_version(self, work: FindVersion) -> FoundVersion:
        version = getattr(self._worker.datasets, work.how)(work.ref)
        return FoundVersion(version=version, files=dict(self._worker.datasets.files(work.ref)))

    def _draw(self, work: Draw) -> tuple[Picture, bytes]:
        try:
            return self._draw_once(work)
        finally:
            if self._worker.reads.outdated:
                raise _Again(f"{self._worker.reads.outdated[0]} has changed since it was read here")
            if self._worker.missed:
                raise _Again(self._worker.missed)

    def _draw_once(self, work: Draw) -> tuple[Picture, bytes]:
        job = from_wire(Job, work.job.encode())
        if not os.path.isdir(tempfile.gettempdir()):  # the temporary files were cleared away
            _make(tempfile.gettempdir())
        limits.arm_cpu(self._settings.load_timeout * 6 + job.timeout + _CPU_SLACK)
        at_hand = DataAtHand(number=work.number)
        image = self._worker.run(job, lambda: self._send(at_hand), self._settings.load_timeout)
        header, body = noun_to_wire(image)
        return Picture(image=header.decode()), body

    def _reason_to_end(self, work: ToWorker, error: str) -> str | None:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            closed = _outputs() != self._outputs
        except (ValueError, OSError):  # ValueError: the file in Python is closed, and not what it writes to
            closed = True
        if closed:
            return "its standard output was closed"
        if limits.hard_limits() != self._hard_limits:
            return "its limits were lowered"
        if error == OutOfMemory.code:
            return "it ran out of memory"
        if self._host.failure:
            return "the app could not be made"
        if self._worker.broken:
            return self._worker.broken
        if isinstance(work, Draw) and (reason := self._two_failed(work, error)):
            return reason
        if not self._threads.issuperset(threading.enumerate()):
            return "a Python thread was left running"
        if isinstance(work, Draw):
            gc.collect(1)
        return None

    def _two_failed(self, work: Draw, error: str) -> str | None:
        """Return a reason to end if two different plots have failed, one after the other.

        Each may have a fault of its own. But a plot can change state that is not on any list of state to
        restore, and so make all later plots fail: a new worker costs less than finding out which it is. The
        failure of a plot that has failed as the first job of a worker is its own, and does not count here.
        """
        if error == PlotFailed.code and work.own_fault:
            return None
        failed = from_wire(Job, work.job.encode()).plot if error == PlotFailed.code else ""
        before, self._failed = self._failed, failed
        if failed and before and failed != before:
            return f"two plots failed in it, one after the other: {before}, {failed}"
        return None


def _failure(error: AnswerError) -> Failure:
    return Failure(error=error.to_wire())


def _outputs() -> list[tuple[int, int]]:
    """Return the identities of the standard output and error: another file may get a closed one's number."""
    found = [os.fstat(number) for number in (1, 2)]
    return [(one.st_dev, one.st_ino) for one in found]


def become(
    worker: JobRunner,
    host: Host,
    ends: tuple[socket.socket, int],
    settings: Settings,
    directory: str,
    parent: int,
) -> NoReturn:
    """Turn this fork of a zygote into a worker. Never returns.

    Args:
        worker: Does the jobs.
        host: Makes the app that plots belong to, if there is one.
        ends: The worker's ends of its channel, and of the pipe of its standard output.
        settings: The settings of the server.
        directory: Where it makes a directory for its temporary files.
        parent: The process id of the zygote.
    """
    connection, output = ends
    try:
        process_tree.die_with_parent(parent)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # New objects: the old ones belong to a file that could seek, and this is a pipe.
        sys.stdout = open(1, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
        os.environ["TMPDIR"] = tempfile.tempdir = _folder(directory)
        gc.set_threshold(*_COLLECT_AFTER)
        limits.apply(
            limits.Limits(
                memory=settings.render_memory,
                output_file=settings.render_writes,
                open_files=settings.render_files,
                processes=settings.allow_processes,
            )
        )
        if not settings.allow_processes:
            refused_processes.watch()
        cap_duckdb(settings.render_memory)
        channel = Channel(connection)
        ready = Ready()
        try:
            host.prepare(settings.import_timeout)
        except PlotFailed as error:  # a request for a picture gets it as well
            print(f"{error.title}\n{error.detail}", file=sys.stderr)
            ready = Ready(failure=error.title, detail=tuple(error.frames))
        worker.snapshot()  # with the state that the app has set
        # Not before: making the app must not run on the clock of a request.
        channel.send(to_wire(ready))
        if ready.failure is not None and not select.select([connection], [], [], _FAILURE_STANDS)[0]:
            leave(0)
        WorkerProcess(worker, host, channel, settings).run()
    except BaseException:
        traceback.print_exc()
        leave(1)


def _folder(directory: str) -> str:
    """Return a new directory for this process's temporary files."""
    own = os.path.join(directory, f"render-{os.getpid()}")
    _make(own)
    return own


def _make(directory: str) -> None:
    """Make a directory for this user alone, and its parents, which may have been cleared away."""
    before = os.umask(0o077)
    try:
        os.makedirs(directory, exist_ok=True)
    finally:
        os.umask(before)


def leave(status: int) -> NoReturn:
    """End this worker without the author's exit handlers, which might hang."""
    if tempfile.tempdir and os.path.basename(tempfile.tempdir).startswith("render-"):
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)
    os._exit(status)
