"""The last picture of each request, and when it was last known to be true: `stale=` shows it.

The key of a picture changes with the data that it reads. The key of the request (the plot, its parameters,
options and format) stays. This index maps it to the last key of a picture.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from plotroute.data.freshness import is_current

# The two keys of an entry are 64 bytes; with the objects around them, 4 MB at most.
_MOST = 10_000


class StaleIndex:
    """The last true pictures of one process: request key → (picture key, seconds since 1970)."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._lock = Lock()

    def confirm(self, request_key: str, key: str, now: float) -> None:
        """Note that the picture under `key` is true for the request at `now`."""
        with self._lock:
            self._entries[request_key] = key, now
            self._entries.move_to_end(request_key)
            while len(self._entries) > _MOST:
                self._entries.popitem(last=False)

    def within(self, request_key: str, seconds: float, now: float) -> tuple[str, float] | None:
        """Return the key of the request's last picture and when it was true, if less than `seconds` ago."""
        entry = self._entries.get(request_key)
        return entry if entry and is_current(entry[1], entry[1] + seconds, now) else None
