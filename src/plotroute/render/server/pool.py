"""All generations and render processes of the base: as many as there should be, of the right code.

A generation becomes the current one when its code has loaded; the one before ends when no job needs it.
"""

# Over 400 lines: what begins, replaces and ends generations and their processes decides together.

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from plotroute.data.opened_files import States
from plotroute.errors import OutOfMemory
from plotroute.model import Json
from plotroute.render.frames import BrokenFrame, Message
from plotroute.render.server.children import WorkerHandle, ZygoteHandle, adopt
from plotroute.render.server.connections import Watch
from plotroute.render.system import machine, process_memory
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

# Deaths per second above which new processes wait: a plots file whose fork dies at once must not spin.
_MOST_DEATHS = 20
# A process reads its job within milliseconds. One that does not is stopped, or stuck in what the author's
# code has left behind; twice that long still leaves its reader time for a drawing elsewhere.
_READS_WITHIN = 3.0
# Forks of a new version that may end before they are ready: one may be bad luck.
_STILLBORN = 3
# Beyond `import_timeout`, in which it makes the app: a process that never takes a job helps no reader.
_READY_SLACK = 2.0
# A process that was told to end and does not is stuck in the author's code.
_ENDS_WITHIN = 2.0
# An import that took too long has so many seconds to print where it is.
_SAYS_WITHIN = 1.0


class Events(Protocol):
    """What the pool tells whoever owns it."""

    def loaded(self, generation: ZygoteHandle) -> None:
        """A new version of the code is the current one."""

    def failed(self, problem: str, detail: Sequence[Json], files: States) -> None:
        """The newest version of the code does not load; `files` are those that it has read."""

    def arrived(self) -> None:
        """A process is there that has nothing to do."""

    def said(self, process: WorkerHandle, message: Message, body: bytes) -> None:
        """A process has said something."""

    def lost(self, process: WorkerHandle) -> None:
        """A process has ended, whatever it was doing."""


class Pool:
    """The generations and processes of one base."""

    def __init__(
        self,
        watch: Watch,
        events: Events,
        start: Callable[[Callable[[], None]], ZygoteHandle],
        settings: Settings,
        directory: str,
    ) -> None:
        """`start` forks a generation; what it is given is called in the fork."""
        self._watch = watch
        self._events = events
        self._start = start
        self._settings = settings
        self._directory = directory
        self.size = settings.render_processes or machine.default_renderers(settings.render_memory)
        self.current: ZygoteHandle | None = None
        self._generations: list[ZygoteHandle] = []
        self._processes: dict[int, WorkerHandle] = {}
        self._deaths: list[float] = []
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[WorkerHandle]:
        """Go through the processes there are now."""
        return iter(list(self._processes.values()))

    @property
    def loading(self) -> bool:
        """Whether a version of the code is being imported, or its first process made."""
        return any(not (generation.ready or generation.failed) for generation in self._generations)

    def load(self, in_child: Callable[[], None]) -> None:
        """Begin a new generation of the code as it is saved now."""

        def let_go() -> None:
            in_child()
            self._let_go()

        generation = self._start(let_go)
        self._generations.append(generation)
        self._watch.add(generation.news.fileno(), lambda: self._introduced(generation))
        self._watch.add(generation.control.fileno(), lambda: self._reported(generation))
        self._watch.add(generation.prints.output, lambda: self._printed(generation))
        self._watch.add(generation.pidfd, lambda: self._gone(generation))

    def serving(self, code: str, role: str) -> list[WorkerHandle]:
        """Return the processes of that role, busy or not: of that code, or of the current one."""
        generation = self.current
        if generation is not None and generation.code != code:
            older = (g for g in self._generations if g.ready and not g.retired and g.code == code)
            generation = next(older, generation)
        return [p for p in self if p.role == role and p.ready and not p.ending and p.generation is generation]

    def ask(self, process: WorkerHandle, message: Message) -> None:
        """Give a job to a process, which may read it later. Nothing here waits for it."""
        self._send(process, lambda: process.ask(message, next(self._numbers), time.monotonic()))

    def _send(self, process: WorkerHandle, send: Callable[[], None]) -> None:
        try:
            send()
        except OSError:  # it is gone, and its end is on its way to us
            process.kill(None)
            return
        number = process.channel.fileno()
        self._watch.change(number, lambda: self._talk(process), writing=bool(process.outbox))

    def _talk(self, process: WorkerHandle) -> None:
        if process.outbox:
            self._send(process, process.outbox.flush)
        self._heard(process)

    def retire(self, process: WorkerHandle, reason: str | None) -> None:
        """Let an idle process end by itself, and have another one made."""
        if reason:
            log.warning("render process %d is replaced: %s", process.pid, reason)
        process.role, process.ending = "retired", True
        process.ends_by = time.monotonic() + _ENDS_WITHIN
        self._watch.drop(process.channel.fileno())
        process.channel.shutdown(socket.SHUT_RDWR)
        self.fill()

    def fill(self) -> None:
        """Ask for as many processes as are missing."""
        generation = self.current
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < 1.0]
        if generation is None or len(self._deaths) > _MOST_DEATHS:
            return
        for role, size in (("renderer", self.size), ("watcher", 1 if generation.poll else 0)):
            there = sum(p.generation is generation and p.role == role for p in self)
            for _ in range(size - there - generation.wanted.get(role, 0)):
                generation.ask(role)

    def look_after(self, needed: Callable[[ZygoteHandle], bool]) -> None:
        """Do what is due: end what hangs or is not needed, make what is missing. `needed` by a job?"""
        now = time.monotonic()
        self._reap()
        for process in self:
            if process.role == "retired" and now > process.ends_by:
                process.kill(None)
            self._check_reads(process, now)
        for generation in list(self._generations):
            if generation.introduced and not generation.ready:
                # Importing has a limit, and so has making the app.
                if now - generation.started_at > 2 * self._settings.import_timeout + _READY_SLACK:
                    self._fail(generation, "no process of the newest version of the code gets ready to draw")
            elif not generation.ready:
                late = now - generation.started_at - self._settings.import_timeout
                if late > 0:
                    # Its fault handler prints where the import hangs, and ends it.
                    generation.late = True
                    os.kill(generation.pid, signal.SIGKILL if late > _SAYS_WITHIN else signal.SIGABRT)
            elif generation is not self.current and not generation.retired:
                if not needed(generation):
                    self._retire_generation(generation)
                elif not any(p.generation is generation and not p.ending for p in self):
                    self._ask_once(generation)  # its last one has ended, and requests wait for it
        self.fill()

    def _ask_once(self, generation: ZygoteHandle) -> None:
        if not generation.wanted.get("renderer"):
            generation.ask("renderer")

    def _check_reads(self, process: WorkerHandle, now: float) -> None:
        """End a process that does not take what it is sent. What it was to draw, another one draws."""
        if process.ending:
            return
        if not process.ready:
            late = now - process.made_at > self._settings.import_timeout + _READY_SLACK
        else:
            late = process.job is not None and not process.begun and now - process.asked_at > _READS_WITHIN
        if late:
            what = "read what it is sent" if process.ready else "get ready"
            log.warning("render process %d is replaced: it does not %s", process.pid, what)
            process.kill(None)

    def check_memory(self) -> None:
        """End the processes that hold more memory than they may."""
        for process in self:
            most = process.base_memory + self._settings.render_memory
            # What is resident costs a hundredth to ask, and is never less.
            if process.job is None or process_memory.resident_bytes(process.pid) <= most:
                continue
            used = process_memory.private_bytes(process.pid) - process.base_memory
            if used > self._settings.render_memory:
                process.kill(OutOfMemory("The plot used more memory than it may", detail=f"{used:,} bytes"))

    def keeps_much(self, process: WorkerHandle) -> str | None:
        """Return why a process that has just drawn has too little room for the next picture, if it has."""
        budget = self._settings.render_memory
        if process_memory.resident_bytes(process.pid) <= process.base_memory + budget // 2:
            return None
        kept = process_memory.private_bytes(process.pid)
        if not process.floor:
            process.floor = kept  # its data and what every drawing needs: the next process would have it too
            return None
        room = process.base_memory + budget - process.floor
        return "it keeps half of the memory that pictures have" if kept - process.floor > room // 2 else None

    def stop(self) -> None:
        """End every process at once."""
        for process in self:
            process.kill(None)

    def _let_go(self) -> None:
        """In a fork: close what belongs to the base alone."""
        for process in self:
            process.close()
        for generation in self._generations:
            generation.close()

    def _reap(self) -> None:
        """Take the exit statuses of processes whose generation ended before them: they became ours."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _introduced(self, generation: ZygoteHandle) -> None:
        """Take what a new generation has to offer, or why it does not load."""
        generation.printed()  # what it printed before comes before
        try:
            data = generation.news.recv(2**18)
            messages = list(generation.unpacker.feed(data))
        except (OSError, BrokenFrame):
            messages, data = [], b""
        for message, _ in messages:
            if "problem" in message:
                generation.failed = True
                self._events.failed(message["problem"], message["detail"], message["files"])
            else:
                generation.introduce(message)
                if self.current is None:  # there is none that draws well
                    self._become_current(generation)
                else:
                    generation.ask("renderer")
        if not data:
            self._watch.drop(generation.news.fileno())

    def _got_ready(self, process: WorkerHandle, failure: str | None, detail: Sequence[Json]) -> None:
        """Give a process its first job; with the first one of a generation, that may become the current one.

        Not before: code that imports may still not bear a fork, and the version before it draws well.
        `failure` says that the process is ready to tell why nothing can be drawn.
        """
        process.ready = True
        generation = process.generation
        if not generation.ready and not generation.failed:
            if failure is not None and self.current is not None:
                self._fail(generation, failure, detail)
                return
            self._become_current(generation)
        self._events.arrived()

    def _become_current(self, generation: ZygoteHandle) -> None:
        generation.ready = True
        # An older save may take longer to import than a newer one.
        if self.current is None or generation.started_at > self.current.started_at:
            self.current = generation
            self.fill()
            self._events.loaded(generation)

    def _fail(self, generation: ZygoteHandle, problem: str, detail: Sequence[Json] = ()) -> None:
        """Give a generation up that has never drawn."""
        if not generation.failed:
            generation.failed = True
            self._events.failed(problem, detail, generation.files)
        if not generation.retired:
            self._retire_generation(generation)

    def _reported(self, generation: ZygoteHandle) -> None:
        """Take a new process from a generation, or how one has ended."""
        try:
            report = generation.receive()
        except BlockingIOError:
            return
        except OSError:
            report = None
        if report is None:
            self._watch.drop(generation.control.fileno())
            return
        message, ends = report
        if "ended" in message:
            status = message["status"]
            if os.WIFSIGNALED(status):
                name = signal.Signals(os.WTERMSIG(status)).name
                log.warning("render process %d ended by %s", message["ended"], name)
            elif status:
                log.warning(
                    "render process %d ended with status %d", message["ended"], os.WEXITSTATUS(status)
                )
            return
        try:
            process = adopt(generation, message, ends, self._settings, time.monotonic())
        except ProcessLookupError:  # it has ended already
            for end in ends:
                os.close(end)
            self._deaths.append(time.monotonic())
            return
        self._processes[process.pid] = process
        self._watch.add(process.channel.fileno(), lambda: self._talk(process))
        self._watch.add(process.prints.output, lambda: self._printed(process))
        self._watch.add(process.pidfd, lambda: self._ended(process))

    def _heard(self, process: WorkerHandle) -> None:
        try:
            while data := process.channel.recv(2**18):
                for message, body in process.unpacker.feed(data):
                    if "ready" in message and not process.ready:
                        self._got_ready(process, message.get("failure"), message.get("detail", ()))
                    else:
                        self._events.said(process, message, body)
        except BlockingIOError:
            return
        except (OSError, BrokenFrame) as error:
            log.warning("render process %d: %s", process.pid, error)
            process.kill(None)
            return
        # It has closed its end: a plot may do that, and can then never answer.
        self._watch.drop(process.channel.fileno())
        process.kill(None)

    def _printed(self, printer: WorkerHandle | ZygoteHandle) -> None:
        if not printer.printed():
            self._watch.drop(printer.prints.output)

    def _ended(self, process: WorkerHandle) -> None:
        """A process is gone: what it was doing ends with it, and another takes its place."""
        if self._processes.pop(process.pid, None) is None:
            return
        if process.killed_for is None and process.role != "retired":
            with contextlib.suppress(OSError):
                self._heard(process)  # what it said last, whole, still counts
        process.printed()
        for number in (process.channel.fileno(), process.prints.output, process.pidfd):
            self._watch.drop(number)
        process.close()
        shutil.rmtree(os.path.join(self._directory, f"render-{process.pid}"), ignore_errors=True)
        if process.role != "retired":
            self._deaths.append(time.monotonic())
        self._events.lost(process)
        generation = process.generation
        if not (process.ready or generation.ready or generation.failed):
            generation.stillborn += 1
            if generation.stillborn < _STILLBORN:
                self._ask_once(generation)
            else:
                self._fail(generation, "the processes that draw end as soon as they are forked")
        self.fill()

    def _retire_generation(self, generation: ZygoteHandle) -> None:
        generation.retired = True
        for process in self:
            if process.generation is generation and process.role != "retired":
                self.retire(process, None)
        self._watch.drop(generation.control.fileno())
        with contextlib.suppress(OSError):
            generation.control.shutdown(socket.SHUT_RDWR)

    def _gone(self, generation: ZygoteHandle) -> None:
        """A generation has ended: it did not load, was retired, or was killed."""
        self._introduced(generation)
        if not generation.ready and not generation.failed:
            what = f"Importing {', '.join(generation.targets)} ended the process"
            if generation.late:
                what = what.replace(
                    "ended the process",
                    f"took longer than {self._settings.import_timeout:g} s (import_timeout)",
                )
            elif generation.introduced:
                what = f"No process that draws can be forked after importing {', '.join(generation.targets)}"
            generation.failed = True
            self._events.failed(what, (), {})
        ends = (generation.news.fileno(), generation.control.fileno(), generation.prints.output)
        for number in (*ends, generation.pidfd):
            self._watch.drop(number)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(generation.pid, 0)
        generation.close()
        self._generations.remove(generation)
        if generation is self.current:
            log.error("the generation %d ended; the code is loaded again", generation.pid)
            self.current = None
