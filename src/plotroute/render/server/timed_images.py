"""Keep the last pictures of plots with a `ttl`, so that all web processes answer the same picture."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from plotroute.data.opened_files import States, changed
from plotroute.render.messages import Picture

# Bytes of an entry beside its body: the header, the key, the objects around it.
_OVERHEAD = 2048


@dataclass(frozen=True, slots=True)
class _Kept:
    picture: Picture
    body: bytes
    drawn_at: float
    until: float
    files: States


class TimedImages:
    """At most `max_bytes` of pictures; the least recently used are evicted."""

    def __init__(self, clock: Callable[[], float], max_bytes: int) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pictures: OrderedDict[str, _Kept] = OrderedDict()

    def get(self, key: str) -> tuple[Picture, bytes] | None:
        """Return the picture of that key, with its age.

        None if there is none, its `ttl` is over, or a file that it shows has changed.
        """
        kept = self._pictures.get(key)
        if kept is None:
            return None
        now = self._clock()
        if now >= kept.until or changed(kept.files):
            self._drop(key)
            return None
        self._pictures.move_to_end(key)
        return replace(kept.picture, age=now - kept.drawn_at), kept.body

    def put(self, key: str, picture: Picture, body: bytes, seconds: float) -> None:
        """Keep a picture for that many seconds, unless it is larger than an eighth of `max_bytes`."""
        self._drop(key)
        if len(body) + _OVERHEAD > self._max_bytes / 8:
            return
        now = self._clock()
        files = json.loads(picture.image).get("files", {})
        self._pictures[key] = _Kept(picture, body, now, now + seconds, files)
        self._bytes += len(body) + _OVERHEAD
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._pictures)))

    def _drop(self, key: str) -> None:
        if (kept := self._pictures.pop(key, None)) is not None:
            self._bytes -= len(kept.body) + _OVERHEAD
