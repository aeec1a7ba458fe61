"""The log lines and counts of ready answers, written behind the readers' backs.

Writing a line costs as much as the rest of such an answer, and more where the log is a slow terminal. So a
thread writes them together, within a tenth of a second. A server that is killed loses those lines, and no
others.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

from plotroute.logs import write_lines
from plotroute.web.metrics import Metrics
from plotroute.web.response_cache import Ready

log = logging.getLogger("plotroute.access")

_WRITE_EVERY = 0.1


class AccessLog:
    """What was answered, of one server."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._notes: deque[tuple[Ready, str, float, float]] = deque()
        self._noted = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def note(self, ready: Ready, request_id: str, started: float) -> None:
        """Note an answer that is given now; `started` is of `time.perf_counter`."""
        self._notes.append((ready, request_id, time.time(), time.perf_counter() - started))
        if not self._noted.is_set():
            self._noted.set()
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        """Begin to write: with the first answer, so that nothing runs where a server only forks."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="plotroute-journal", daemon=True)
                self._thread.start()

    def _write(self) -> None:
        while True:
            self._noted.wait()
            time.sleep(_WRITE_EVERY)
            self._noted.clear()
            self.flush()

    def flush(self) -> None:
        """Write and count what was noted."""
        notes = [self._notes.popleft() for _ in range(len(self._notes))]
        self._metrics.count(
            (ready.wanted.plot.name, ready.code, ready.outcome, spent) for ready, _, _, spent in notes
        )
        if log.isEnabledFor(logging.INFO):
            write_lines(
                (at, f"{request_id} {ready.line} {spent * 1000:.1f} ms")
                for ready, request_id, at, spent in notes
            )
