"""Send jobs to workers and read their messages, without waiting for any of them."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable

from plotroute.render.messages import FromWorker, ToWorker, UnknownMessage, worker_message
from plotroute.render.server.children import WorkerHandle
from plotroute.render.server.connections import Watch

log = logging.getLogger("plotroute.render")


class WorkerChannels:
    """The channels of all workers. A worker whose channel breaks is killed."""

    def __init__(
        self,
        watch: Watch,
        on_message: Callable[[WorkerHandle, FromWorker, bytes], None],
        on_stray: Callable[[WorkerHandle], None],
    ) -> None:
        """`on_message` gets each message and the bytes behind it; `on_stray` is called for other frames."""
        self._watch = watch
        self._on_message = on_message
        self._on_stray = on_stray
        self._numbers = itertools.count(1)

    def open(self, worker: WorkerHandle) -> None:
        """Begin to read from a new worker."""
        self._watch.add(worker.channel.fileno(), lambda: self._talk(worker))

    def send(self, worker: WorkerHandle, work: ToWorker) -> None:
        """Send a job. It waits in the worker's outbox until the worker reads."""
        self._flush(worker, lambda: worker.send(work, next(self._numbers), time.monotonic()))

    def receive(self, worker: WorkerHandle) -> None:
        """Read what a worker has sent by now."""
        try:
            while data := worker.channel.recv(2**18):
                for header, body in worker.unpacker.feed(data):
                    try:
                        message = worker_message(header)
                    except UnknownMessage:  # a plot can write into the channel
                        self._on_stray(worker)
                    else:
                        self._on_message(worker, message, body)
        except BlockingIOError:
            return
        except OSError as error:  # a BrokenFrame too
            log.warning("render process %d: %s", worker.pid, error)
            worker.kill(None)
            return
        # It has closed its end: a plot may do that, and the worker can then never answer.
        self._watch.drop(worker.channel.fileno())
        worker.kill(None)

    def _talk(self, worker: WorkerHandle) -> None:
        if worker.outbox:
            self._flush(worker, worker.outbox.flush)
        self.receive(worker)

    def _flush(self, worker: WorkerHandle, send: Callable[[], None]) -> None:
        try:
            send()
        except OSError:  # it has ended, which the pool hears soon
            worker.kill(None)
            return
        number = worker.channel.fileno()
        self._watch.change(number, lambda: self._talk(worker), writing=bool(worker.outbox))
