"""The epochs of plots, shared by processes: a small file per plot, in a folder that each process polls."""

from __future__ import annotations

import hashlib
import secrets
import time
from contextlib import suppress
from threading import Lock

from plotroute import digest
from plotroute.cache.folder import PrivateFolder

# How long another process's purge may go unseen. A look at the folder costs 30 µs, and every request asks for
# an epoch.
_LOOK_EVERY = 1.0
# A file system tells times apart that differ by 2 s (FAT), or by 10 ms (most): a folder that changed within
# that time may have changed twice at one time, so it is read again.
_TICK = 2.0

_FOLDER = "epochs"


class FileEpochs:
    """The epochs of plots in the files of a folder. This process knows them all; once a second it looks."""

    def __init__(self, folder: PrivateFolder) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}
        self._state: tuple[int, int] | None = None
        self._look_at = 0.0
        self._lock = Lock()

    def of(self, *names: str) -> str:
        """Return the epoch of the plot that has these names; "" if it was never purged by any of them."""
        with self._lock:
            now = time.monotonic()
            if now >= self._look_at:
                self._look_at = now + _LOOK_EVERY
                # Without a folder there is no purge; a folder that cannot be read now changes nothing known.
                with suppress(OSError):
                    self._look()
            known = self._known
            return "".join([known.get(_file(name), "") for name in names]) if known else ""

    def renew(self, name: str) -> None:
        """Begin a new epoch of the plot that has this name.

        Raises:
            OSError: The file cannot be written. The purge counts in this process, until it ends.
        """
        token = secrets.token_hex(16).encode()
        try:
            # Lasting, unlike a picture: without its file, the pictures from before would be true again.
            self._folder.write(_file(name), token, lasting=True)
        except OSError:
            with self._lock:
                self._known[_file(name)] = _epoch(token)
            raise
        with self._lock:
            self._look_at, self._state = 0.0, None

    def _look(self) -> None:
        folder = self._folder.state(_FOLDER)
        state = folder.st_ino, folder.st_mtime_ns
        if state == self._state:
            return
        for name, _ in self._folder.files(_FOLDER):
            with suppress(FileNotFoundError), self._folder.open(name) as file:
                # A plot whose file is gone keeps its epoch: purged pictures must not come back from memory.
                self._known[name] = _epoch(file.read(64))
        self._state = state if time.time() - folder.st_mtime > _TICK else None


def _epoch(content: bytes) -> str:
    # A hash of any content: a damaged file is an epoch too, and not the one before.
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _file(plot: str) -> str:
    # A hash, because any text may name a plot, and not any text may name a file.
    return f"{_FOLDER}/{digest.of_text(plot)}"
