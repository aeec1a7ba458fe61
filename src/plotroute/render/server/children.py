"""A generation and a render process as the base sees them: how to make, tell, hear and end one."""

from __future__ import annotations

import array
import contextlib
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from plotroute.data.opened_files import States
from plotroute.render.drawing.app_context import Recipe
from plotroute.render.frames import Message, Outbox, Unpacker
from plotroute.render.server.fair_share import QueuedJob
from plotroute.render.server.printed_lines import Prints
from plotroute.render.system import process_memory, process_tree
from plotroute.render.workers import zygote
from plotroute.settings import Settings


@dataclass(eq=False)
class WorkerHandle:
    """A render process, or a generation's watcher."""

    pid: int
    generation: ZygoteHandle
    role: str
    channel: socket.socket
    prints: Prints
    pidfd: int
    outbox: Outbox
    made_at: float
    unpacker: Unpacker = field(default_factory=Unpacker)
    ready: bool = False
    """It has said that it takes jobs."""
    ending: bool = False
    """It was killed, and its end is on its way to us."""
    number: int = 0
    """Of the job that it was sent last; all that it says about it has the same."""
    asked_at: float = 0.0
    """When it was sent that job."""
    begun: bool = False
    """Whether it has said that it has got it."""
    strays: int = 0
    """Frames that belong to no job of its own: it can no longer be believed."""
    job: QueuedJob | None = None
    loaded: set[str] = field(default_factory=set)
    """Ids of the data it has loaded."""
    drawn: set[str] = field(default_factory=set)
    """Names of the plots that it has drawn."""
    renders: int = 0
    most_renders: int = 0
    base_memory: int = 0
    floor: int = 0
    """Private bytes after the first picture of the data that it has loaded; 0: not measured."""
    ends_by: float = 0.0
    """When a retired process is killed, should it not have ended by then."""
    killed_for: Any = None
    """The error that a job gets because we killed the process."""

    def ask(self, message: Message, number: int, now: float) -> None:
        """Send it a job, as soon as it reads; an OSError if it is gone. No other job has that number."""
        self.number, self.asked_at, self.begun = number, now, False
        self.prints.begin()
        self.outbox.put({**message, "number": self.number})

    def kill(self, error: Any) -> None:
        """End it from outside; `error` is what its job ends with."""
        self.ending = True
        self.killed_for = self.killed_for or error
        process_tree.kill_descendants(self.pid)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Close the base's ends."""
        self.channel.close()
        self.prints.close()
        os.close(self.pidfd)

    def printed(self) -> bool:
        """Put what the plot printed into the log, with the request it printed it for; False: it has ended."""
        job = self.job
        return self.prints.take(f"{job.request_id} {job.plot}" if job else "- -")


@dataclass(eq=False)
class ZygoteHandle:
    """One saved version of the author's code."""

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
    """The files that its import was seen to read, each with its state then."""
    introduced: bool = False
    """It has said what there is."""
    ready: bool = False
    """A process of it has said that it takes jobs: it may become the current one."""
    stillborn: int = 0
    """How many of its processes have ended before any was ready."""
    failed: bool = False
    """It was said why it cannot be used."""
    retired: bool = False
    late: bool = False
    """Its import took too long, so it is being ended."""
    faulty: set[str] = field(default_factory=set)
    """Plots that have failed as the first that their process drew, so that the fault is theirs."""
    wanted: dict[str, int] = field(default_factory=dict)
    """Role → processes asked for that have not come yet."""

    def introduce(self, message: Message) -> None:
        """Take what the code has to offer."""
        self.manifest, self.poll, self.files = message["manifest"], message["poll"], message["files"]
        self.code = json.loads(self.manifest)["code"]
        self.introduced = True

    def ask(self, role: str) -> None:
        """Ask for one more process."""
        self.wanted[role] = self.wanted.get(role, 0) + 1
        self.control.send(json.dumps({"role": role}).encode())

    def receive(self) -> tuple[Message, list[int]] | None:
        """Return the next message and the file descriptors with it; None when the generation is gone."""
        data, ancillary, _, _ = self.control.recvmsg(4096, socket.CMSG_SPACE(2 * 4))
        if not data:
            return None
        received = array.array("i")
        for _, _, content in ancillary:
            received.frombytes(content[: len(content) - len(content) % received.itemsize])
        return json.loads(data), list(received)

    def printed(self) -> bool:
        """Put what its import printed into the log; False: it has ended."""
        return self.prints.take(f"- {', '.join(self.targets)}")

    def close(self) -> None:
        """Let it end: it does when its control socket closes."""
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
    """Fork a generation; `in_child` closes there what belongs to the base alone."""
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
    """Let go of what is the base's, and print into `prints`: an import must not flood the log."""
    try:
        in_child()
        for stream in (1, 2):
            os.dup2(prints, stream)
        os.close(prints)
        # An import that fails ends the process without another word.
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
    generation: ZygoteHandle, message: Message, ends: list[int], settings: Settings, now: float
) -> WorkerHandle:
    """Return the process that a generation has forked."""
    generation.wanted[str(message["role"])] -= 1
    pid = int(message["pid"])
    pidfd = os.pidfd_open(pid)
    channel = socket.socket(fileno=ends[0])
    channel.setblocking(False)
    os.set_blocking(ends[1], False)
    # A tenth more or less, so that processes that began together do not end together.
    most = max(1, round(settings.recycle_after * random.uniform(0.9, 1.1)))
    return WorkerHandle(
        pid=pid,
        generation=generation,
        role=str(message["role"]),
        channel=channel,
        prints=Prints(ends[1], settings.render_prints),
        pidfd=pidfd,
        outbox=Outbox(channel),
        made_at=now,
        most_renders=most,
        base_memory=process_memory.private_bytes(pid),
    )
