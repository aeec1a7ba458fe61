"""All generations and render processes of the base: as many as there should be, of the right code.

A generation becomes the current one when its code has loaded; the one before ends when no flight needs it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from plotroute.data.opened import States
from plotroute.errors import OutOfMemory
from plotroute.render import limits
from plotroute.render.clients import Watch
from plotroute.render.frames import BrokenFrame, Message
from plotroute.render.processes import Generation, Process, adopt
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

# Deaths per second above which new processes wait: a plots file whose fork dies at once must not spin.
_MOST_DEATHS = 20
# A process that was told to end and does not is stuck in the author's code.
_ENDS_WITHIN = 2.0
# An import that took too long has so many seconds to print where it is.
_SAYS_WITHIN = 1.0


class Events(Protocol):
    """What the pool tells whoever owns it."""

    def loaded(self, generation: Generation) -> None:
        """A new version of the code is the current one."""

    def failed(self, problem: str, detail: str, files: States) -> None:
        """The newest version of the code does not load; `files` are those that it has read."""

    def arrived(self) -> None:
        """A process is there that has nothing to do."""

    def said(self, process: Process, message: Message, body: bytes) -> None:
        """A process has said something."""

    def lost(self, process: Process) -> None:
        """A process has ended, whatever it was doing."""


class Pool:
    """The generations and processes of one base."""

    def __init__(
        self,
        watch: Watch,
        events: Events,
        start: Callable[[Callable[[], None]], Generation],
        settings: Settings,
        directory: str,
    ) -> None:
        """`start` forks a generation; what it is given is called in the fork."""
        self._watch = watch
        self._events = events
        self._start = start
        self._settings = settings
        self._directory = directory
        self.size = settings.renderers or limits.default_renderers(settings.render_memory)
        self.current: Generation | None = None
        self._generations: list[Generation] = []
        self._processes: dict[int, Process] = {}
        self._deaths: list[float] = []

    def __iter__(self) -> Iterator[Process]:
        """Go through the processes there are now."""
        return iter(list(self._processes.values()))

    @property
    def loading(self) -> bool:
        """Whether a version of the code is being imported."""
        return any(not generation.ready for generation in self._generations)

    def load(self, in_child: Callable[[], None]) -> None:
        """Begin a new generation of the code as it is saved now."""

        def let_go() -> None:
            in_child()
            self._let_go()

        generation = self._start(let_go)
        self._generations.append(generation)
        self._watch.add(generation.news.fileno(), lambda: self._introduced(generation))
        self._watch.add(generation.control.fileno(), lambda: self._reported(generation))
        self._watch.add(generation.pidfd, lambda: self._gone(generation))

    def idle(self, code: str, role: str) -> list[Process]:
        """Return the processes of that role with nothing to do: of that code, or of the current one."""
        generation = self.current
        if generation is not None and generation.code != code:
            older = (g for g in self._generations if g.ready and not g.retired and g.code == code)
            generation = next(older, generation)
        free = (p for p in self if p.ready and p.flight is None and p.generation is generation)
        return [process for process in free if process.role == role]

    def has_ready(self) -> bool:
        """Whether any process has made its app, if there is one to make."""
        return any(process.ready for process in self)

    def retire(self, process: Process, reason: str | None) -> None:
        """Let an idle process end by itself, and have another one made."""
        if reason:
            log.warning("render process %d is replaced: %s", process.pid, reason)
        process.role = "retired"
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

    def look_after(self, needed: Callable[[Generation], bool]) -> None:
        """Do what is due: end what hangs or is not needed, make what is missing. `needed` by a flight?"""
        now = time.monotonic()
        self._reap()
        for process in self:
            if process.role == "retired" and now > process.ends_by:
                process.kill(None)
        for generation in list(self._generations):
            if not generation.ready:
                late = now - generation.started_at - self._settings.import_timeout
                if late > 0:
                    # Its fault handler prints where the import hangs, and ends it.
                    generation.late = True
                    os.kill(generation.pid, signal.SIGKILL if late > _SAYS_WITHIN else signal.SIGABRT)
            elif generation is not self.current and not generation.retired and not needed(generation):
                self._retire_generation(generation)
        self.fill()

    def check_memory(self) -> None:
        """End the processes that hold more memory than they may."""
        for process in self:
            most = process.base_memory + self._settings.render_memory
            # What is resident costs a hundredth to ask, and is never less.
            if process.flight is None or limits.resident_bytes(process.pid) <= most:
                continue
            used = limits.private_bytes(process.pid) - process.base_memory
            if used > self._settings.render_memory:
                process.kill(OutOfMemory("The plot used more memory than it may", detail=f"{used:,} bytes"))

    def keeps_much(self, process: Process) -> str | None:
        """Return why a process that has just drawn has too little room for the next picture, if it has."""
        budget = self._settings.render_memory
        if limits.resident_bytes(process.pid) <= process.base_memory + budget // 2:
            return None
        kept = limits.private_bytes(process.pid)
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

    def _introduced(self, generation: Generation) -> None:
        """Take what a new generation has to offer, or why it does not load."""
        try:
            data = generation.news.recv(2**18)
            messages = list(generation.unpacker.feed(data))
        except (OSError, BrokenFrame):
            messages, data = [], b""
        for message, _ in messages:
            generation.told = True
            if "problem" in message:
                self._events.failed(message["problem"], message["detail"], message["files"])
            else:
                generation.introduce(message)
                # An older save may take longer to import than a newer one.
                if self.current is None or generation.started_at > self.current.started_at:
                    self.current = generation
                    self.fill()
                    self._events.loaded(generation)
        if not data:
            self._watch.drop(generation.news.fileno())

    def _reported(self, generation: Generation) -> None:
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
            process = adopt(generation, message, ends, self._settings)
        except ProcessLookupError:  # it has ended already
            for end in ends:
                os.close(end)
            self._deaths.append(time.monotonic())
            return
        self._processes[process.pid] = process
        self._watch.add(process.channel.fileno(), lambda: self._heard(process))
        self._watch.add(process.output, lambda: self._printed(process))
        self._watch.add(process.pidfd, lambda: self._ended(process))
        self._events.arrived()

    def _heard(self, process: Process) -> None:
        try:
            while data := process.channel.recv(2**18):
                for message, body in process.unpacker.feed(data):
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

    def _printed(self, process: Process) -> None:
        try:
            data = os.read(process.output, 2**16)
        except BlockingIOError:
            return
        if data:
            process.print_lines(data.decode("utf-8", "backslashreplace"))
        else:
            self._watch.drop(process.output)

    def _ended(self, process: Process) -> None:
        """A process is gone: what it was doing ends with it, and another takes its place."""
        if self._processes.pop(process.pid, None) is None:
            return
        if process.killed_for is None and process.role != "retired":
            with contextlib.suppress(OSError):
                self._heard(process)  # what it said last, whole, still counts
        with contextlib.suppress(OSError):
            self._printed(process)
        for number in (process.channel.fileno(), process.output, process.pidfd):
            self._watch.drop(number)
        process.close()
        shutil.rmtree(os.path.join(self._directory, f"render-{process.pid}"), ignore_errors=True)
        if process.role != "retired":
            self._deaths.append(time.monotonic())
        self._events.lost(process)
        self.fill()

    def _retire_generation(self, generation: Generation) -> None:
        generation.retired = True
        for process in self:
            if process.generation is generation and process.role != "retired":
                self.retire(process, None)
        self._watch.drop(generation.control.fileno())
        with contextlib.suppress(OSError):
            generation.control.shutdown(socket.SHUT_RDWR)

    def _gone(self, generation: Generation) -> None:
        """A generation has ended: it did not load, was retired, or was killed."""
        self._introduced(generation)
        if not generation.ready and not generation.told:
            ended = "ended the process"
            if generation.late:
                ended = f"took longer than {self._settings.import_timeout:g} s (import_timeout)"
            self._events.failed(f"Importing {', '.join(generation.targets)} {ended}", "", {})
        for number in (generation.news.fileno(), generation.control.fileno(), generation.pidfd):
            self._watch.drop(number)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(generation.pid, 0)
        generation.close()
        self._generations.remove(generation)
        if generation is self.current:
            log.error("the generation %d ended; the code is loaded again", generation.pid)
            self.current = None
