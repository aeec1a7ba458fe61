"""Which plots were purged, as all processes see it: a small file per plot, in a folder that is looked at."""

from __future__ import annotations

import hashlib
import secrets
import time
from contextlib import suppress
from threading import Lock

from plotroute import digest
from plotroute.cache.folder import PrivateFolder

# How long another process's purge may go unseen. A look costs 30 µs, and an epoch is asked for with
# every request.
_LOOK_EVERY = 1.0
# A file system tells times apart that differ by 2 s (FAT), or by 10 ms (most): what changed since may have
# changed twice at one time, and is read again.
_TICK = 2.0

_FOLDER = "epochs"


class Epochs:
    """The epoch of each plot."""

    def __init__(self, folder: PrivateFolder) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}
        self._state: tuple[int, int] | None = None
        self._look_at = 0.0
        self._lock = Lock()

    def of(self, *names: str) -> str:
        """Return "" as long as the plot of these names was never purged, else what every purge changes."""
        with self._lock:
            now = time.monotonic()
            if now >= self._look_at:
                self._look_at = now + _LOOK_EVERY
                with suppress(OSError):  # there is none, or nobody can tell now: what is known stays true
                    self._look()
            known = self._known
            return "".join([known.get(_name(name), "") for name in names]) if known else ""

    def renew(self, plot: str) -> None:
        """Begin a new epoch; an OSError if nobody else would ever know."""
        # Lasting, unlike a picture: without its file, the pictures from before would be true again.
        self._folder.write(_name(plot), secrets.token_hex(16).encode(), lasting=True)
        with self._lock:
            self._look_at, self._state = 0.0, None

    def _look(self) -> None:
        folder = self._folder.state(_FOLDER)
        state = folder.st_ino, folder.st_mtime_ns
        if state == self._state:
            return
        for name, _ in self._folder.files(_FOLDER):
            with suppress(FileNotFoundError), self._folder.open(name) as file:
                # A hash of whatever is in it: a damaged file is an epoch too, and not the one before. A plot
                # whose file is gone keeps its epoch: what was purged is not to come back from memory.
                self._known[name] = hashlib.blake2b(file.read(64), digest_size=8).hexdigest()
        self._state = state if time.time() - folder.st_mtime > _TICK else None


def _name(plot: str) -> str:
    # A hash, because any text is a name, and not any text is a file's.
    name = digest.of_text(plot)
    return f"{_FOLDER}/{name}"
