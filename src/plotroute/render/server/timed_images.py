"""The last pictures of plots with a `ttl`: until its time is over a picture is one for all web processes."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from plotroute.data.opened_files import States, changed
from plotroute.render.frames import Message

# What an entry costs beside its body: the header, the key, the objects around it.
_OVERHEAD = 2048


@dataclass(frozen=True, slots=True)
class _Picture:
    message: Message
    body: bytes
    drawn_at: float
    until: float
    files: States


class Kept:
    """At most `max_bytes` of pictures; the least recently used make room."""

    def __init__(self, clock: Callable[[], float], max_bytes: int) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pictures: OrderedDict[str, _Picture] = OrderedDict()

    def get(self, key: str) -> tuple[Message, bytes] | None:
        """Return the answer that is kept, with its age in seconds.

        None: its time is over, or a file that it shows has changed.
        """
        picture = self._pictures.get(key)
        if picture is None:
            return None
        now = self._clock()
        if now >= picture.until or changed(picture.files):
            self._drop(key)
            return None
        self._pictures.move_to_end(key)
        return {**picture.message, "age": now - picture.drawn_at}, picture.body

    def put(self, key: str, message: Message, body: bytes, seconds: float) -> None:
        """Keep an answer for so many seconds; one larger than an eighth of all is not kept."""
        self._drop(key)
        if len(body) + _OVERHEAD > self._max_bytes / 8:
            return
        now = self._clock()
        files = json.loads(message["image"]).get("files", {})
        self._pictures[key] = _Picture(message, body, now, now + seconds, files)
        self._bytes += len(body) + _OVERHEAD
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._pictures)))

    def _drop(self, key: str) -> None:
        if (picture := self._pictures.pop(key, None)) is not None:
            self._bytes -= len(picture.body) + _OVERHEAD
