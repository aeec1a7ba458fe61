"""A storage in the memory of this process: bounded in bytes, evicts the least recently used picture first."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Condition, Lock

from plotroute.cache.base import MISSING, Storage, Stored, _Missing, has_name
from plotroute.settings import Settings

# The cost of an entry beside its body: the key, the objects around it, the table's slot (measured: 1.5 kB).
_OVERHEAD = 2048


def storage(settings: Settings) -> Storage:
    """Return the storage in memory that the settings describe."""
    return in_memory(settings.cache_memory)


def in_memory(max_bytes: int) -> Storage:
    """Return a storage in memory with at most `max_bytes` of pictures."""
    return Storage(MemoryCache(max_bytes), MemoryEpochs(), MemoryClaims())


class MemoryCache:
    """At most `max_bytes` of pictures; a picture larger than an eighth of that is not kept at all."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Stored] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> Stored | _Missing:
        """Return the picture that is stored under `key`, expired or not, or MISSING."""
        with self._lock:
            stored = self._entries.get(key)
            if stored is None:
                return MISSING
            self._entries.move_to_end(key)
            return stored

    def put(self, key: str, stored: Stored) -> None:
        """Store a picture under `key`; the least recently used pictures make room."""
        size = _size(stored)
        with self._lock:
            self._drop(key)
            # One giant must not evict a thousand others.
            if size > self._max_bytes / 8:
                return
            self._entries[key] = stored
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._entries)))

    def clear(self) -> None:
        """Forget every picture."""
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def forget(self, plot: str) -> int:
        """Forget the pictures of a plot; return how many."""
        with self._lock:
            forgotten = [key for key, stored in self._entries.items() if has_name(stored.plot, plot)]
            for key in forgotten:
                self._drop(key)
        return len(forgotten)

    def _drop(self, key: str) -> None:
        stored = self._entries.pop(key, None)
        if stored is not None:
            self._bytes -= _size(stored)


def _size(stored: Stored) -> int:
    return len(stored.image.body) + _OVERHEAD


class MemoryEpochs:
    """The epochs of plots in this process alone."""

    def __init__(self) -> None:
        self._epochs: dict[str, str] = {}

    def of(self, *names: str) -> str:
        """Return the epoch of the plot that has these names; "" if it was never purged by any of them."""
        return "".join([self._epochs.get(name, "") for name in names]) if self._epochs else ""

    def renew(self, name: str) -> None:
        """Begin a new epoch of the plot that has this name."""
        # Random, not counted: another process, or this one after a restart, must not arrive at the same.
        self._epochs[name] = secrets.token_hex(8)


class MemoryClaims:
    """The claims of the threads of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._claims: dict[str, tuple[str, float]] = {}
        """Key → token, and when the claim ends by itself."""
        self._ended = Condition(Lock())

    def take(self, key: str, seconds: float) -> str | None:
        """Claim the drawing of the picture under `key`; None if it is claimed already."""
        with self._ended:
            if self._left(key) > 0:
                return None
            token = secrets.token_hex(8)
            self._claims[key] = token, self._clock() + seconds
            return token

    def release(self, key: str, token: str) -> None:
        """End the claim that has this token; another claim on the key stays."""
        with self._ended:
            if self._claims.get(key, ("", 0.0))[0] == token:
                del self._claims[key]
                self._ended.notify_all()

    def wait(self, key: str, seconds: float) -> None:
        """Return when no claim on `key` is in force, or after `seconds`."""
        deadline = self._clock() + seconds
        with self._ended:
            while (left := min(self._left(key), deadline - self._clock())) > 0:
                self._ended.wait(left)

    def _left(self, key: str) -> float:
        """Return the seconds after which the claim on `key` ends by itself; 0 if there is none."""
        claim = self._claims.get(key)
        return max(0.0, claim[1] - self._clock()) if claim else 0.0
