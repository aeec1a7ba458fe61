"""A render process: takes jobs from the base, one at a time, until it is told to end or is killed.

It is a fork of a generation, so the author's code is imported; data is loaded here, after the fork. Its
standard output goes to a pipe that the base reads into the log; what it answers goes through the channel
and nothing else does.
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
from dataclasses import asdict
from typing import NoReturn

from plotroute.errors import AnswerError, OutOfMemory, PlotCrashed, PlotFailed
from plotroute.model import DatasetRef, Job, from_wire, to_wire
from plotroute.render.drawing.app_context import Host
from plotroute.render.drawing.drawing import JobRunner
from plotroute.render.drawing.duckdb_limits import cap_duckdb
from plotroute.render.frames import Channel, Message
from plotroute.render.system import limits, process_tree
from plotroute.render.workers import refused_processes
from plotroute.settings import Settings

# Room for a drawing that pauses for the garbage collector between the limit inside and the kill outside.
_CPU_SLACK = 2.0

# A figure is full of circles, and a collection while it is drawn makes its objects old, so that they stay
# until the rare collection of everything: 470 MB in place of 250 MB after a few heatmaps. So there is none
# before 50,000 objects, more than most figures have, but one of the young after each picture; it takes no
# more time in all.
_COLLECT_AFTER = (50_000, 10, 100)

# Seconds for which a process without its app answers why; the next one tries again to make it.
_FAILURE_STANDS = 10.0


class _Again(Exception):
    """The drawing may show what a file was, or lack an import: another process is to draw."""


class WorkerProcess:
    """The loop of one render process, or of the watcher, which only asks for versions."""

    def __init__(self, worker: JobRunner, host: Host, channel: Channel, settings: Settings) -> None:
        self._worker = worker
        self._host = host
        self._channel = channel
        self._settings = settings
        # The app's own, which are there for every picture.
        self._threads = set(threading.enumerate())
        self._outputs = _outputs()
        self._hard_limits = limits.hard_limits()
        self._failed = ""
        """The plot whose code has failed last, if it was the last to be drawn."""

    def run(self) -> NoReturn:
        """Answer until the base closes the channel."""
        while True:
            try:
                message, _ = self._channel.receive()
            except (EOFError, ConnectionError):
                leave(0)
            self._say({"begun": True}, message)
            refused_processes.begin()
            answer, body = self._answer(message)
            recycle = self._reason_to_end(message, answer.get("error", {}).get("code", ""))
            self._say({**answer, "recycle": recycle}, message, body)

    def _say(self, answer: Message, message: Message, body: bytes = b"") -> None:
        """Answer `message`, by its number: frames of other numbers are not taken for answers to it."""
        try:
            self._channel.send({**answer, "number": message["number"]}, body)
        except OSError:
            leave(0)

    def _answer(self, message: Message) -> tuple[Message, bytes]:
        try:
            if message["op"] == "render":
                try:
                    return self._render(message)
                finally:
                    if self._worker.reads.outdated:
                        raise _Again(f"{self._worker.reads.outdated[0]} has changed since it was read here")
                    if self._worker.missed:
                        raise _Again(self._worker.missed)
            ref = DatasetRef(*message["ref"])
            ask = {"version": "version", "reload": "reload", "poll": "poll"}[message["op"]]
            version = getattr(self._worker.datasets, ask)(ref)
            return {"version": version, "files": dict(self._worker.datasets.files(ref))}, b""
        except _Again as again:
            return {"again": str(again)}, b""
        except AnswerError as error:
            return {"error": refused_processes.explain(error).to_wire()}, b""
        except MemoryError:
            return {"error": OutOfMemory("The plot ran out of memory").to_wire()}, b""
        except BaseException:  # a fault of ours, or a plot's KeyboardInterrupt
            return {"error": PlotCrashed("Drawing ended early", detail=traceback.format_exc()).to_wire()}, b""

    def _render(self, message: Message) -> tuple[Message, bytes]:
        job = from_wire(Job, message["job"].encode())
        if not os.path.isdir(tempfile.gettempdir()):  # the temporary files were cleared away
            _make(tempfile.gettempdir())
        limits.arm_cpu(self._settings.load_timeout * 6 + job.timeout + _CPU_SLACK)
        at_hand = {"data_at_hand": True}
        image = self._worker.run(job, lambda: self._say(at_hand, message), self._settings.load_timeout)
        header, body = to_wire(image)
        return {"image": header.decode()}, body

    def _reason_to_end(self, message: Message, error: str) -> str | None:
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
        if message["op"] == "render" and (reason := self._two_failed(message, error)):
            return reason
        if not self._threads.issuperset(threading.enumerate()):
            return "a Python thread was left running"
        if message["op"] == "render":
            gc.collect(1)
        return None

    def _two_failed(self, message: Message, error: str) -> str | None:
        """Return a reason to end if two plots have failed, one after the other.

        Each may have a fault of its own. But a plot can leave behind what no list of things to put back has
        on it, and make all later ones fail: a new process costs less than to ask which it is. A plot that has
        failed as the first of a process is known to be faulty itself, and says nothing about this one.
        """
        if error == PlotFailed.code and message["own_fault"]:
            return None
        failed = from_wire(Job, message["job"].encode()).plot if error == PlotFailed.code else ""
        before, self._failed = self._failed, failed
        if failed and before and failed != before:
            return f"two plots failed in it, one after the other: {before}, {failed}"
        return None


def _outputs() -> list[tuple[int, int]]:
    """Return what the standard output and error are: another file may have taken a closed one's number."""
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
    """Turn this fork of a generation into a render process. Never returns.

    `ends` are those of its channel and of the pipe that its standard output goes to.
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
        ready: Message = {"ready": True}
        try:
            host.prepare(settings.import_timeout)
        except PlotFailed as error:  # a request for a picture is told as well
            print(f"{error.title}\n{error.detail}", file=sys.stderr)
            ready |= {"failure": error.title, "detail": [asdict(frame) for frame in error.frames]}
        worker.snapshot()  # with what the app has set
        # Not before: making the app must not run on the clock of a request.
        channel.send(ready)
        if "failure" in ready and not select.select([connection], [], [], _FAILURE_STANDS)[0]:
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
    """Make a directory for this user alone, and those above it, which may have been cleared away."""
    before = os.umask(0o077)
    try:
        os.makedirs(directory, exist_ok=True)
    finally:
        os.umask(before)


def leave(status: int) -> NoReturn:
    """End without the author's exit handlers, which might hang."""
    if tempfile.tempdir and os.path.basename(tempfile.tempdir).startswith("render-"):
        shutil.rmtree(tempfile.tempdir, ignore_errors=True)
    os._exit(status)
