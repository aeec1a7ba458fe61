"""Pictures that wait to be written, and the one thread that writes them: no request waits for the disk."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Lock, Thread

from plotroute.cache.base import MISSING, Stored, _Missing

# What may wait, in memory: one picture of the largest that is drawn by default (20 MB) and some others, or
# about a thousand of the usual ones (30 kB). A disk writes that in a second.
_MOST_WAITING = 32 * 2**20
# What a waiting picture costs beside its body, as in the memory's cache.
_OVERHEAD = 2048


class Writer:
    """Calls `write`, which must not raise, for one picture after the other. What waits can be got.

    Its thread is there only while pictures wait: a process that only reads has none, and none is lost by
    a fork.
    """

    def __init__(self, write: Callable[[str, Stored], None]) -> None:
        self._write = write
        self._waiting: dict[str, Stored] = {}
        self._bytes = 0
        self._changed = Condition(Lock())
        self._thread: Thread | None = None
        self.writing = Lock()
        """Held while one is written: who holds it, and has dropped what waits, sees no more of it come."""

    def get(self, key: str) -> Stored | _Missing:
        """Return the picture that waits under `key`, or MISSING."""
        with self._changed:
            return self._waiting.get(key, MISSING)

    def put(self, key: str, stored: Stored) -> bool:
        """Let a picture wait for its turn, in place of an earlier one; False if too many do already."""
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
        """Take the pictures that `which` says out of the line, and return their keys."""
        with self._changed:
            dropped = [key for key, stored in self._waiting.items() if which(key, stored)]
            for key in dropped:
                self._drop(key)
            self._changed.notify_all()
        return dropped

    def flush(self, seconds: float) -> bool:
        """Wait until none waits, so long at most, and say whether that is so."""
        with self._changed:
            if self._waiting and not self._runs():
                return False
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def _runs(self) -> bool:
        """Say whether there is a thread, started now if there was none."""
        if self._thread is None or not self._thread.is_alive():  # after a fork it is there, and not alive
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
                    if self._waiting.get(key) is stored:  # else a later one waits for its turn
                        self._drop(key)
                        self._changed.notify_all()

    def _drop(self, key: str) -> None:
        stored = self._waiting.pop(key, None)
        if stored is not None:
            self._bytes -= _size(stored)


def _size(stored: Stored) -> int:
    return len(stored.image.body) + _OVERHEAD
