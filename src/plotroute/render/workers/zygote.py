"""A zygote: one saved version of the author's code, imported once, from which workers are forked.

It is a fork of the render server, with one thread and no sockets but its own: a fork while a thread draws
would hang for ever. It draws nothing and loads no data itself.
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
from typing import NoReturn

from plotroute.data import lookups
from plotroute.data.opened_files import Opened
from plotroute.errors import SetupError
from plotroute.model import to_wire as noun_to_wire
from plotroute.render.drawing.app_context import Host, Recipe
from plotroute.render.drawing.drawing import JobRunner
from plotroute.render.frames import Channel
from plotroute.render.messages import (
    Fork,
    Forked,
    Imported,
    ImportFailed,
    WorkerEnded,
    fork_message,
    to_wire,
)
from plotroute.render.system import process_tree
from plotroute.render.workers import worker
from plotroute.render.workers.fork_safety import native_threads, refuse_unforkable, sockets
from plotroute.settings import Settings

# Seconds between looks for ended children; the render server learns of an end sooner, by pidfd.
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
    """Turn this fork of the render server into a zygote. Never returns.

    Args:
        control: Datagrams: brings `Fork`; takes `Forked`, with a worker's descriptors, and `WorkerEnded`.
        news: Takes one message: `Imported` or `ImportFailed`.
        targets: The author's files and modules.
        settings: The settings of the server.
        environment: The hash of what decides a picture beside code and data.
        recipe: How to make the app that plots belong to, if there is one.
        lenient: Whether hints that cannot be evaluated are let through.
        directory: Where workers keep temporary files.
        parent: The process id of the render server.
    """
    try:
        for number in (signal.SIGCHLD, signal.SIGUSR1):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them; the supervisor acts on them
            signal.signal(number, signal.SIG_IGN)
        # Containers and service managers send it to every process: pictures that were begun are still drawn.
        # Not SIG_IGN, which the processes that a plot starts would inherit.
        signal.signal(signal.SIGTERM, lambda *_: None)
        process_tree.die_with_parent(parent)
        process_tree.become_subreaper()
        channel = Channel(news)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        opened = Opened()
        lookups.notice()
        try:
            faulthandler.enable()  # an import that takes too long is ended by SIGABRT, and prints where it is
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
                # Modules that import each other may load only in the order of the web worker: the app first.
                worker = JobRunner.of(
                    *(targets, settings, environment, host, host.import_module, opened),
                    built_in=built_in,
                    lenient=lenient,
                )
            refuse_unforkable(before, threads)
            faulthandler.disable()
        except SetupError as error:
            failed = ImportFailed(problem=str(error), detail=tuple(error.frames), files=opened.states)
            channel.send(to_wire(failed))
            os._exit(0)
        header, _ = noun_to_wire(worker.catalog.manifest)
        datasets = worker.catalog.datasets.values()
        poll = {d.spec.name: d.declared.poll for d in datasets if d.spec.freshness == "polled"}
        channel.send(to_wire(Imported(manifest=header.decode(), poll=poll, files=opened.states)))
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
        """Fork on request, reap children, and end once the render server has closed the control socket."""
        while True:
            readable, _, _ = select.select([self._control], [], [], _REAP_EVERY)
            self._reap()
            if readable:
                try:
                    data = self._control.recv(4096)
                except OSError:  # the render server was killed
                    data = b""
                if not data:
                    os._exit(0)
                self._fork(fork_message(json.loads(data)))

    def _fork(self, wish: Fork) -> None:
        """Fork a worker, and send the render server its ends."""
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
        message = json.dumps(to_wire(Forked(pid=pid, role=wish.role))).encode()
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
                # Processes that it has left behind are our children now (subreaper): end them too.
                process_tree.kill_descendants(os.getpid(), except_=self._children)
                with contextlib.suppress(OSError):  # the render server has ended, and this zygote ends next
                    message = WorkerEnded(pid=pid, status=status)
                    self._control.send(json.dumps(to_wire(message)).encode())
