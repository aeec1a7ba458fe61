"""A cache in the memory of this process: the least recently used goes first, bounded in bytes."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from threading import Lock

from plotroute.cache.base import MISSING, Stored, _Missing, is_of

# What an entry costs beside its body: the key, the objects around it, the table's slot (measured: 1.5 kB).
_OVERHEAD = 2048


class MemoryCache:
    """At most `max_bytes` of pictures; one larger than an eighth of that is not kept at all."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Stored] = OrderedDict()
        self._epochs: dict[str, str] = {}
        self._lock = Lock()

    def get(self, key: str) -> Stored | _Missing:
        """Return what is stored under `key`, expired or not, or MISSING."""
        with self._lock:
            stored = self._entries.get(key)
            if stored is None:
                return MISSING
            self._entries.move_to_end(key)
            return stored

    def put(self, key: str, stored: Stored) -> None:
        """Store under `key`; the least recently used make room."""
        size = _size(stored)
        with self._lock:
            self._drop(key)
            # One giant must not push out a thousand others.
            if size > self._max_bytes / 8:
                return
            self._entries[key] = stored
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget every picture; epochs stay."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def epoch(self, *names: str) -> str:
        """Return "" as long as the plot of these names was never purged, else what every purge changes."""
        return "".join([self._epochs.get(name, "") for name in names]) if self._epochs else ""

    def purge(self, plot: str) -> int:
        """Change the epoch of the plot and forget its pictures; return how many."""
        with self._lock:
            # Random, not counted: another process, or this one started again, must not come to the same.
            self._epochs[plot] = secrets.token_hex(8)
            purged = [key for key, stored in self._entries.items() if is_of(stored.plot, plot)]
            for key in purged:
                self._drop(key)
        return len(purged)

    def _drop(self, key: str) -> None:
        stored = self._entries.pop(key, None)
        if stored is not None:
            self._bytes -= _size(stored)


def _size(stored: Stored) -> int:
    return len(stored.image.body) + _OVERHEAD
