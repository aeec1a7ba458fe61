"""A queue of pictures, and the one thread that writes them: no request waits for the disk."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Lock, Thread

from plotroute.cache.base import MISSING, Stored, _Missing

# The bytes that may be queued, in memory: one picture of the largest size that is drawn by default (20 MB)
# and some others, or about a thousand of the usual size (30 kB). A disk writes that in a second.
_MOST_WAITING = 32 * 2**20
# The cost of a queued picture beside its body, as in the memory cache.
_OVERHEAD = 2048


class Writer:
    """Calls `write`, which must not raise, for one picture after another. `get` finds queued pictures.

    Its thread is there only while pictures are queued: a process that only reads has none, so that a fork
    loses none.
    """

    def __init__(self, write: Callable[[str, Stored], None]) -> None:
        self._write = write
        self._waiting: dict[str, Stored] = {}
        self._bytes = 0
        self._changed = Condition(Lock())
        self._thread: Thread | None = None
        self.writing = Lock()
        """Held while a picture is written: after `drop`, its holder sees no dropped picture appear."""

    def get(self, key: str) -> Stored | _Missing:
        """Return the picture that is queued under `key`, or MISSING."""
        with self._changed:
            return self._waiting.get(key, MISSING)

    def put(self, key: str, stored: Stored) -> bool:
        """Queue a picture, in place of an earlier one under `key`; return False if the queue is full."""
        with self._changed:
            self._drop(key)
            if self._bytes + _size(stored) > _MOST_WAITING:
                return False
            self._waiting[key] = stored
            self._bytes += _size(stored)
            if not self._runs():
                self._drop(key)
                return False
            return True

    def drop(self, which: Callable[[str, Stored], bool]) -> list[str]:
        """Take the pictures that `which` accepts off the queue; return their keys."""
        with self._changed:
            dropped = [key for key, stored in self._waiting.items() if which(key, stored)]
            for key in dropped:
                self._drop(key)
            self._changed.notify_all()
        return dropped

    def flush(self, seconds: float) -> bool:
        """Wait until the queue is empty, or `seconds` are over; return whether it is empty."""
        with self._changed:
            if self._waiting and not self._runs():
                return False
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def _runs(self) -> bool:
        """Return whether there is a thread; start it if there is none."""
        if self._thread is None or not self._thread.is_alive():  # after a fork it is not alive
            thread = Thread(target=self._run, name="cache-writer", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the machine allows no more threads
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        while True:
            with self.writing:
                with self._changed:
                    if not self._waiting:
                        self._thread = None
                        return
                    key, stored = next(iter(self._waiting.items()))
                self._write(key, stored)
                with self._changed:
                    if self._waiting.get(key) is stored:  # else a later picture is queued
                        self._drop(key)
                        self._changed.notify_all()

    def _drop(self, key: str) -> None:
        stored = self._waiting.pop(key, None)
        if stored is not None:
            self._bytes -= _size(stored)


def _size(stored: Stored) -> int:
    return len(stored.image.body) + _OVERHEAD
