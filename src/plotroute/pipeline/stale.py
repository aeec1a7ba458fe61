"""Which picture last answered a request, and until when it was known to be true: what `stale=` shows.

The key of a picture changes with the data that it reads. What stays is the request: the plot, its
parameters, options and format. Under that name the last key is kept here.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from plotroute.data.freshness import is_current

# A name and a key are 64 bytes; with the objects around them, 4 MB at most.
_MOST = 10_000


class StaleIndex:
    """The last true pictures of one process: name of the request → (key, seconds since 1970)."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._lock = Lock()

    def confirm(self, name: str, key: str, now: float) -> None:
        """Note that the picture under `key` is what the request means at `now`."""
        with self._lock:
            self._entries[name] = key, now
            self._entries.move_to_end(name)
            while len(self._entries) > _MOST:
                self._entries.popitem(last=False)

    def within(self, name: str, seconds: float, now: float) -> tuple[str, float] | None:
        """Return the key of the last picture and when it was true, if that is less than `seconds` ago."""
        found = self._entries.get(name)
        return found if found and is_current(found[1], found[1] + seconds, now) else None
