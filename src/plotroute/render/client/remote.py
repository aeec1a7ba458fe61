"""The renderer of a web process: asks the render server over its Unix socket, and runs nothing itself.

The server pushes the manifest and the versions of data, so that a cache hit needs no round trip.

Do not share a connection with a forked child: two processes on one connection would get parts of each other's
replies, and a child that only holds it would keep the server from learning that the web process has ended.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace

from plotroute import digest
from plotroute.data import freshness
from plotroute.errors import Draining, RenderTimeout
from plotroute.errors import from_wire as error_from_wire
from plotroute.model import DatasetRef, Image, Job, Manifest, Versions, from_wire, to_wire
from plotroute.render.frames import Unpacker, pack
from plotroute.render.messages import (
    AskVersion,
    CheckFiles,
    DataChanged,
    DrawPicture,
    Failure,
    FoundVersion,
    Heard,
    Hello,
    ManifestNews,
    Picture,
    Reply,
    Request,
    Result,
    VersionsNews,
    server_message,
)
from plotroute.render.messages import to_wire as message_to_wire
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

# Seconds between tries to reach a server that is starting or being replaced.
_RETRY_EVERY = 0.05
# Seconds that a request waits for a server that is starting: twice what importing seaborn takes.
_START_TIMEOUT = 10.0
# Seconds beyond the limits that the server enforces, for a reply on its way.
_SLACK = 2.0


class Remote:
    """Asks the render server that listens at `path`."""

    def __init__(
        self, path: str, settings: Settings, *, watch: bool = False, start: Callable[[], None] | None = None
    ) -> None:
        """Connect in a thread of its own.

        Args:
            path: The socket of the render server.
            settings: The settings of the server.
            watch: Whether each `manifest` looks at the author's files first.
            start: Called where no server listens.
        """
        self._path = path
        self._start = start
        self._settings = settings
        self._watch = watch
        self._ids = itertools.count(1)
        self._pending: dict[int, Future[tuple[Result, bytes]]] = {}
        self._sending = threading.Lock()
        self._connection: socket.socket | None = None
        """The connection to send on; `Hello` was sent on it."""
        self._socket: socket.socket | None = None
        """The connection that is open, or being opened."""
        self._manifest = Manifest()
        self._known: dict[str, tuple[str, float]] = {}
        """Id of data → its version, and when it was learned, on the clock that all processes share."""
        self._introduced = threading.Event()
        self._heard = False
        """Whether the connected server has sent a manifest."""
        self._closed = False
        self._start_error = ""
        """Why the server could not be started, as last logged."""
        _all.add(self)
        threading.Thread(target=self._listen, name="plotroute-remote", daemon=True).start()

    def ready(self) -> bool:
        """Whether the render server is there and has loaded a version of the code."""
        return self._heard and bool(self._manifest.plots)

    def manifest(self) -> Manifest:
        """Return the manifest of the newest version of the code that loads, as last pushed."""
        if self._watch and self._introduced.is_set():
            with contextlib.suppress(ConnectionError, RenderTimeout):
                self._result(self._send(CheckFiles()), _START_TIMEOUT)
        if not self._introduced.is_set() and not self._introduced.wait(_START_TIMEOUT):
            raise _starting()
        return self._manifest

    def versions(self, refs: Sequence[DatasetRef]) -> Versions:
        """Return the last known versions; the server finds the others."""
        found: dict[str, str] = {}
        asked: list[tuple[str, AskVersion, Future[tuple[Result, bytes]]]] = []
        for ref in refs:
            version = self.known(ref)
            if version is not None:
                found[ref.id] = version
            else:
                message = AskVersion(ref=ref, code=self._manifest.code)
                asked.append((ref.id, message, self._send(message)))
        limit = self._settings.queue_timeout + self._settings.load_timeout + _SLACK
        for id, message, future in asked:
            result, _ = self._answer(message, future, limit)
            assert isinstance(result, FoundVersion)
            found[id] = result.version
        return found

    def known(self, ref: DatasetRef) -> str | None:
        """Return the last known version, as last pushed."""
        version, at = self._known.get(ref.id, ("", 0.0))
        return version if version and freshness.is_believed(at, time.monotonic()) else None

    def changed(self, names: Collection[str]) -> None:
        """Have every web process of this machine forget the versions of datasets, and wait until they have.

        Without a server, no process knows a version.
        """
        if not self._introduced.is_set() and not self._listens():
            return
        affected = sorted(freshness.affected(names, self._manifest.datasets))
        message = DataChanged(datasets=tuple(affected))
        self._answer(message, self._send(message), _START_TIMEOUT)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self._path) == 0

    def render(self, job: Job) -> Image:
        """Have the picture drawn. If the server ends meanwhile, the next server is asked once."""
        header, _ = to_wire(replace(job, request_id=""))
        message = DrawPicture(
            key=digest.of_bytes(header),
            plot=job.plot,
            format=job.format,
            job=to_wire(job)[0].decode(),
            code=job.code,
            data=tuple(job.versions),
            timeout=job.timeout,
            ttl=job.ttl,
            request_id=job.request_id,
        )
        limit = self._settings.queue_timeout + self._settings.load_timeout + job.timeout + _SLACK
        result, body = self._answer(message, self._send(message), limit)
        assert isinstance(result, Picture)
        image = from_wire(Image, result.image.encode(), body)
        return image if result.age is None else replace(image, age=result.age)

    def close(self) -> None:
        """Stop listening."""
        self._closed = True
        if (connection := self._connection) is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads, which closing does not

    def _answer(
        self, message: Request, future: Future[tuple[Result, bytes]], timeout: float
    ) -> tuple[Result, bytes]:
        """Return the result of `message`, which was sent. If the server ends, send it to the next server."""
        try:
            return self._result(future, timeout)
        except ConnectionError:
            pass
        try:
            return self._result(self._send(message), timeout)
        except ConnectionError:
            raise _starting() from None

    def _result(self, future: Future[tuple[Result, bytes]], timeout: float) -> tuple[Result, bytes]:
        try:
            result, body = future.result(timeout)
        except FutureTimeout:
            raise RenderTimeout(f"The render server did not answer within {timeout:g} s") from None
        if isinstance(result, Failure):
            raise error_from_wire(dict(result.error))
        return result, body

    def _send(self, message: Request) -> Future[tuple[Result, bytes]]:
        """Send, as soon as there is a server. The future gets the result, or a ConnectionError."""
        future: Future[tuple[Result, bytes]] = Future()
        deadline = time.monotonic() + _START_TIMEOUT
        while (connection := self._connection) is None:
            if time.monotonic() > deadline or self._closed:
                raise _starting()
            time.sleep(_RETRY_EVERY)
        id = next(self._ids)
        self._pending[id] = future
        try:
            with self._sending:
                connection.sendall(pack(message_to_wire(replace(message, id=id))))
        except OSError:
            # Before `_listen` notices: the next try is to wait for the next server.
            if self._connection is connection:
                self._connection = None
            self._lose(id)
        return future

    def leave_to_parent(self) -> None:
        """In a fork, which has no listening thread: close the parent's connection without ending it."""
        self._closed, self._heard = True, False
        connection, self._connection = self._socket, None
        if connection is not None:
            connection.close()

    def _listen(self) -> None:
        """Keep a connection, and read what comes through it."""
        while not self._closed:
            connection = self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._connect(connection)
                connection.sendall(pack(message_to_wire(Hello())))
                self._connection = connection
                if not self._closed:
                    self._receive(connection)
            except OSError:  # a BrokenFrame too
                pass
            self._connection, self._heard = None, False
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # a thread that is sending stops
            with self._sending:
                connection.close()
            for id in list(self._pending):
                self._lose(id)
            time.sleep(_RETRY_EVERY)

    def _connect(self, connection: socket.socket) -> None:
        try:
            connection.connect(self._path)
        except (ConnectionRefusedError, FileNotFoundError):
            if self._start is not None:
                self._start_server(self._start)
            raise

    def _start_server(self, start: Callable[[], None]) -> None:
        try:
            start()
            self._start_error = ""
        except Exception as error:  # of whatever kind: this thread must live, and try again
            if str(error) != self._start_error:
                self._start_error = str(error)
                log.error("the render server cannot be started: %s", error)

    def _lose(self, id: int) -> None:
        """Fail the request of that id, unless it has its result."""
        if (future := self._pending.pop(id, None)) is not None:
            future.set_exception(ConnectionError("the render server went away"))

    def _receive(self, connection: socket.socket) -> None:
        unpacker = Unpacker()
        while data := connection.recv(2**18):
            for header, body in unpacker.feed(data):
                message = server_message(header)
                if isinstance(message, VersionsNews):
                    self._on_versions(message)
                elif isinstance(message, ManifestNews):
                    self._on_manifest(message)
                else:
                    self._on_reply(message, body)

    def _on_reply(self, message: Reply, body: bytes) -> None:
        if (future := self._pending.pop(message.id, None)) is not None:
            future.set_result((message.result, body))

    def _say_heard(self, number: int | None) -> None:
        """Reply `Heard` to news of changed data: the server waits for it from every web process."""
        connection = self._socket
        if number is not None and connection is not None:
            with self._sending:
                connection.sendall(pack(message_to_wire(Heard(number=number))))

    def _on_versions(self, news: VersionsNews) -> None:
        if news.code == self._manifest.code:
            self._known = dict(news.versions)
        self._say_heard(news.number)

    def _on_manifest(self, news: ManifestNews) -> None:
        if news.manifest is None and not news.problem:
            return  # still importing
        manifest = from_wire(Manifest, news.manifest.encode()) if news.manifest else Manifest()
        if manifest.code != self._manifest.code:
            self._known = {}
        self._manifest = replace(manifest, problem=news.problem, problem_detail=news.problem_detail)
        self._introduced.set()
        self._heard = True


def _starting() -> Draining:
    starting = Draining("The server is starting", headers={"Retry-After": "2"})
    starting.again = True
    return starting


_all: weakref.WeakSet[Remote] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for remote in list(_all):
        remote.leave_to_parent()


os.register_at_fork(after_in_child=_leave_all_to_parent)
