"""A generation: one saved version of the author's code, imported once, forked into render processes.

It is a fork of the base and has one thread and no socket but its own: a fork while a thread renders would
hang for ever. It draws nothing and loads no data itself.
"""

from __future__ import annotations

import array
import contextlib
import faulthandler
import json
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from typing import NoReturn

from plotroute.data import lookups
from plotroute.data.opened_files import Opened
from plotroute.errors import SetupError
from plotroute.model import to_wire
from plotroute.render.drawing.app_context import Host, Recipe
from plotroute.render.drawing.drawing import JobRunner
from plotroute.render.frames import Channel
from plotroute.render.system import process_tree
from plotroute.render.workers import worker
from plotroute.render.workers.fork_safety import native_threads, refuse_unforkable, sockets
from plotroute.settings import Settings

# How often ended children are looked for; the base learns of a death sooner, by pidfd.
_REAP_EVERY = 0.2


def become(
    control: socket.socket,
    news: socket.socket,
    targets: Sequence[str],
    built_in: Sequence[str],
    settings: Settings,
    environment: str,
    recipe: Recipe,
    lenient: bool,
    directory: str,
    parent: int,
) -> NoReturn:
    """Turn this fork of the base into a generation. Never returns.

    `control` (datagrams) brings the base's wishes and takes the ends of new processes' channels; `news`
    tells once what the code has to offer, or why it does not load.
    """
    try:
        for number in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGHUP):  # a terminal's, for the supervisor: it tells us
            signal.signal(number, signal.SIG_IGN)
        # Containers and service managers send it to every process: what was begun is drawn all the same.
        # Not SIG_IGN, which whatever a plot starts would inherit.
        signal.signal(signal.SIGTERM, lambda *_: None)
        process_tree.die_with_parent(parent)
        process_tree.become_subreaper()
        channel = Channel(news)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        opened = Opened()
        lookups.notice()
        try:
            faulthandler.enable()  # an import that never ends is ended by SIGABRT, and says where it is
            before, threads = sockets(), native_threads()
            host = Host(recipe)
            try:
                worker = JobRunner.of(
                    *(targets, settings, environment, host, host.find, opened),
                    built_in=built_in,
                    lenient=lenient,
                )
            except SetupError:
                if not host.imports_first():
                    raise
                # Modules that import each other may bear only the order of the web worker: the app's first.
                worker = JobRunner.of(
                    *(targets, settings, environment, host, host.import_module, opened),
                    built_in=built_in,
                    lenient=lenient,
                )
            refuse_unforkable(before, threads)
            faulthandler.disable()
        except SetupError as error:
            detail = [asdict(frame) for frame in error.frames]
            channel.send({"problem": str(error), "detail": detail, "files": opened.states})
            os._exit(0)
        header, _ = to_wire(worker.catalog.manifest)
        datasets = worker.catalog.datasets.values()
        poll = {d.spec.name: d.declared.poll for d in datasets if d.spec.freshness == "polled"}
        channel.send({"manifest": header.decode(), "poll": poll, "files": opened.states})
        channel.close()
        _Zygote(control, worker, host, settings, directory).run()
    except BaseException:
        traceback.print_exc()
    os._exit(1)


class _Zygote:
    def __init__(
        self, control: socket.socket, worker: JobRunner, host: Host, settings: Settings, directory: str
    ) -> None:
        self._control = control
        self._worker = worker
        self._host = host
        self._settings = settings
        self._directory = directory
        self._children: set[int] = set()

    def run(self) -> NoReturn:
        """Fork when asked to, reap, and end when the base has closed the control socket."""
        while True:
            readable, _, _ = select.select([self._control], [], [], _REAP_EVERY)
            self._reap()
            if readable:
                try:
                    wish = self._control.recv(4096)
                except OSError:  # the base was killed
                    wish = b""
                if not wish:
                    os._exit(0)
                self._fork(json.loads(wish))

    def _fork(self, wish: dict[str, object]) -> None:
        mine, theirs = socket.socketpair()
        read, write = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the author's code may have replaced or closed it
                stream.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._control.close()
            mine.close()
            os.close(read)
            worker.become(self._worker, self._host, (theirs, write), self._settings, self._directory, parent)
        theirs.close()
        os.close(write)
        self._children.add(pid)
        ends = array.array("i", [mine.fileno(), read])
        message = json.dumps({"pid": pid, **wish}).encode()
        self._control.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ends)])
        mine.close()
        os.close(read)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._children:
                self._children.discard(pid)
                # What it started and left behind has become ours, as the subreaper: it goes too.
                process_tree.kill_descendants(os.getpid(), except_=self._children)
                with contextlib.suppress(OSError):  # the base is gone, and we with it in a moment
                    self._control.send(json.dumps({"ended": pid, "status": status}).encode())
