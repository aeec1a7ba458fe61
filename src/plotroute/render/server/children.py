"""Handles of a zygote and of a worker in the render server: start it, send to it, read from it, end it."""

from __future__ import annotations

import array
import contextlib
import json
import logging
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from plotroute.data.opened_files import States
from plotroute.errors import AnswerError
from plotroute.render.drawing.app_context import Recipe
from plotroute.render.frames import Outbox, Unpacker
from plotroute.render.messages import (
    Fork,
    Forked,
    FromZygote,
    Imported,
    ToWorker,
    WorkerEnded,
    to_wire,
    zygote_message,
)
from plotroute.render.server.fair_share import QueuedJob
from plotroute.render.server.printed_lines import Prints
from plotroute.render.system import process_memory, process_tree
from plotroute.render.workers import zygote
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")


@dataclass(eq=False)
class WorkerHandle:
    """A worker: a process that draws, or a zygote's watcher."""

    pid: int
    zygote: ZygoteHandle
    role: str
    channel: socket.socket
    prints: Prints
    pidfd: int
    outbox: Outbox
    made_at: float
    unpacker: Unpacker = field(default_factory=Unpacker)
    ready: bool = False
    """Whether it has sent `Ready`: it takes jobs."""
    ending: bool = False
    """Whether it was killed or retired, and has not ended yet."""
    number: int = 0
    """Of its last job; each of its messages about that job has the same."""
    sent_at: float = 0.0
    """When the last job was sent to it."""
    begun: bool = False
    """Whether it has sent `Begun` for that job."""
    strays: int = 0
    """Frames from it that belong to no job of its own: its answers can no longer be trusted."""
    job: QueuedJob | None = None
    loaded: set[str] = field(default_factory=set)
    """Ids of the data that it has loaded."""
    drawn: set[str] = field(default_factory=set)
    """Names of the plots that it has drawn."""
    renders: int = 0
    most_renders: int = 0
    base_memory: int = 0
    floor: int = 0
    """Private bytes after the first picture from the data that it has loaded; 0: not measured."""
    ends_by: float = 0.0
    """When a retired worker is killed, if it has not ended by then."""
    killed_for: AnswerError | None = None
    """The error of its job, where the render server has killed the worker."""

    def send(self, work: ToWorker, number: int, now: float) -> None:
        """Send a job, as soon as the worker reads. No other job has that `number`.

        Raises:
            OSError: The worker has ended.
        """
        self.number, self.sent_at, self.begun = number, now, False
        self.prints.begin()
        self.outbox.put(to_wire(replace(work, number=number)))

    def kill(self, error: AnswerError | None) -> None:
        """End it from outside, by SIGKILL. `error` is the error of its job."""
        self.ending = True
        self.killed_for = self.killed_for or error
        process_tree.kill_descendants(self.pid)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Close the render server's ends."""
        self.channel.close()
        self.prints.close()
        os.close(self.pidfd)

    def printed(self) -> bool:
        """Log what the plot has printed, with the id of its request; False if the output has ended."""
        job = self.job
        return self.prints.log_lines(f"{job.request_id} {job.plot}" if job else "- -")


@dataclass(eq=False)
class ZygoteHandle:
    """A zygote: one saved version of the author's code, imported."""

    pid: int
    targets: Sequence[str]
    control: socket.socket
    news: socket.socket
    prints: Prints
    pidfd: int
    started_at: float
    unpacker: Unpacker = field(default_factory=Unpacker)
    code: str = ""
    manifest: str = ""
    poll: dict[str, float] = field(default_factory=dict)
    files: States = field(default_factory=dict)
    """The files that its import has read, each with its state then."""
    imported: bool = False
    """Whether the code is imported, and the manifest known."""
    ready: bool = False
    """Whether one of its workers takes jobs: the zygote may become the current one."""
    stillborn: int = 0
    """How many of its workers have ended before any was ready."""
    failed: bool = False
    """Whether it cannot be used, and the reason was reported."""
    retired: bool = False
    late: bool = False
    """Whether it is being ended because its import took too long."""
    faulty: set[str] = field(default_factory=set)
    """Plots that have failed as the first drawing of a worker, so that the fault is their own."""
    wanted: dict[str, int] = field(default_factory=dict)
    """Role → workers that were asked for and have not come yet."""

    def learn(self, news: Imported) -> None:
        """Note what the imported code offers."""
        self.manifest, self.poll, self.files = news.manifest, dict(news.poll), news.files
        self.code = json.loads(self.manifest)["code"]
        self.imported = True

    def fork(self, role: str) -> None:
        """Ask the zygote for one more worker."""
        self.wanted[role] = self.wanted.get(role, 0) + 1
        self.control.send(json.dumps(to_wire(Fork(role=role))).encode())

    def receive(self) -> tuple[FromZygote, list[int]] | None:
        """Return the next message and the file descriptors with it; None when the zygote has ended."""
        data, ancillary, _, _ = self.control.recvmsg(4096, socket.CMSG_SPACE(2 * 4))
        if not data:
            return None
        received = array.array("i")
        for _, _, content in ancillary:
            received.frombytes(content[: len(content) - len(content) % received.itemsize])
        return zygote_message(json.loads(data)), list(received)

    def printed(self) -> bool:
        """Log what the import has printed; False if the output has ended."""
        return self.prints.log_lines(f"- {', '.join(self.targets)}")

    def close(self) -> None:
        """Close the render server's ends. The zygote ends when its control socket is closed."""
        for end in (self.control, self.news, self.prints):
            end.close()
        os.close(self.pidfd)


def start_zygote(
    targets: Sequence[str],
    built_in: Sequence[str],
    settings: Settings,
    environment: str,
    recipe: Recipe,
    lenient: bool,
    directory: str,
    now: float,
    in_child: Callable[[], None],
) -> ZygoteHandle:
    """Fork a zygote.

    Args:
        targets: The author's files and modules.
        settings: The settings of the server.
        environment: The hash of what decides a picture beside code and data.
        recipe: How to make the app that plots belong to, if there is one.
        lenient: Whether hints that cannot be evaluated are let through.
        directory: Where workers keep temporary files.
        now: The time, on the clock of the render server.
        in_child: Called in the zygote, to close what belongs to the render server alone.
    """
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    read, write = socket.socketpair()
    output, prints = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _in_child(in_child, prints, mine, read)
        zygote.become(
            *(theirs, write, targets, built_in, settings, environment, recipe, lenient, directory, parent)
        )
    theirs.close()
    write.close()
    os.close(prints)
    mine.setblocking(False)
    read.setblocking(False)
    os.set_blocking(output, False)
    printed = Prints(output, settings.render_prints)
    return ZygoteHandle(pid, targets, mine, read, printed, os.pidfd_open(pid), now)


def _in_child(in_child: Callable[[], None], prints: int, *ends: socket.socket) -> None:
    """In the zygote: close what is the render server's, and print into `prints`, which has a limit."""
    try:
        in_child()
        for stream in (1, 2):
            os.dup2(prints, stream)
        os.close(prints)
        # An import that fails ends the process at once: lines that wait in a buffer would be lost.
        for text in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError):  # there is none
                text.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        for end in ends:
            end.close()
    except BaseException:
        _give_up()


def _give_up() -> NoReturn:
    os._exit(1)


def adopt(
    zygote: ZygoteHandle, forked: Forked, ends: list[int], settings: Settings, now: float
) -> WorkerHandle:
    """Return the handle of a worker that a zygote has forked; a ProcessLookupError if it has ended already.

    `ends` are the render server's ends of the worker's channel and of its output.
    """
    zygote.wanted[forked.role] -= 1
    pid = forked.pid
    pidfd = os.pidfd_open(pid)
    channel = socket.socket(fileno=ends[0])
    channel.setblocking(False)
    os.set_blocking(ends[1], False)
    # A tenth more or less, so that workers that began together do not end together.
    most = max(1, round(settings.recycle_after * random.uniform(0.9, 1.1)))
    return WorkerHandle(
        pid=pid,
        zygote=zygote,
        role=forked.role,
        channel=channel,
        prints=Prints(ends[1], settings.render_prints),
        pidfd=pidfd,
        outbox=Outbox(channel),
        made_at=now,
        most_renders=most,
        base_memory=process_memory.private_bytes(pid),
    )


def log_end(message: WorkerEnded) -> None:
    """Log how a worker has ended, unless it ended well."""
    if os.WIFSIGNALED(message.status):
        name = signal.Signals(os.WTERMSIG(message.status)).name
        log.warning("render process %d ended by %s", message.pid, name)
    elif message.status:
        log.warning("render process %d ended with status %d", message.pid, os.WEXITSTATUS(message.status))
