"""A storage in files: shared by processes, kept over a restart, bounded in bytes.

The cache may lose a picture, but a read returns the picture that was put or none, even if a process was
killed while it wrote, and whatever has become of the file. So nothing here is locked or synchronised between
processes: a file is put in its place as a whole, carries its key and a checksum, and any process may delete
it at any time.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path

from plotroute import digest
from plotroute.cache.base import MISSING, Storage, Stored, _Missing, has_name
from plotroute.cache.epochs import FileEpochs
from plotroute.cache.folder import NotPrivate, PrivateFolder
from plotroute.cache.memory import MemoryClaims
from plotroute.cache.packing import Damaged, pack, plot_of, unpack
from plotroute.cache.writer import Writer
from plotroute.clock import now
from plotroute.settings import Settings

log = logging.getLogger("plotroute.cache")

_FOLDER = "pictures"
# A file takes whole blocks of this size on most file systems; so no cache has very many tiny files.
_BLOCK = 4096
# A process looks how full the folder is when it has written a twentieth of the limit, and then leaves a tenth
# free: that is what two processes may write before the next look. Each further process may write a twentieth
# too much for a moment; looking more often would cost more (measured: 5 µs for each file in the folder).
_LOOK_AFTER = 1 / 20
_FULL = 9 / 10
# A use is recorded this rarely because it is a write to the disk for every picture that is read. The first
# pictures to be evicted were not used for hours, so minutes do not matter.
_TOUCH_AFTER = 600.0
# A full disk is full for every picture.
_SAY_EVERY = 60.0


def storage(settings: Settings) -> Storage | None:
    """Return the storage on disk that the settings describe; None where they name no directory."""
    return on_disk(Path(settings.cache_dir), settings.cache_disk) if settings.cache_dir else None


def on_disk(directory: Path, max_bytes: int) -> Storage:
    """Return a storage in the files of `directory`, with about `max_bytes` of pictures.

    Its claims are those of this process: the render server coalesces the drawings of one machine.
    """
    return Storage(DiskCache(directory, max_bytes), FileEpochs(PrivateFolder(directory)), MemoryClaims())


class DiskCache:
    """About `max_bytes` of pictures in `directory`; a picture larger than an eighth of that is not kept.

    Nothing is touched before the first `put`. A directory that other users could write to is not used.
    """

    def __init__(self, directory: Path, max_bytes: int, clock: Callable[[], float] = now) -> None:
        self._folder = PrivateFolder(directory)
        self._writer = Writer(self._write)
        self._max_bytes = max_bytes
        self._largest = max_bytes // 8  # one giant must not evict a thousand others
        self._clock = clock
        self._written = max_bytes  # since the last look: how much is there before the first look is unknown
        self._closed = False
        self._silent_until: dict[str, float] = {}

    def get(self, key: str) -> Stored | _Missing:
        """Return the picture that is stored under `key`, expired or not, or MISSING."""
        return self._writer.get(key) or self._read(key)

    def put(self, key: str, stored: Stored) -> None:
        """Store a picture under `key`, soon; the least recently used pictures make room."""
        if _occupied(len(stored.image.body)) > self._largest:
            self._writer.drop(lambda other, _: other == key)
            self._discard(key)
        elif not self._closed and not self._writer.put(key, stored):
            self._warn("full", "the cache does not keep a picture: more are waiting than can be written")

    def clear(self) -> None:
        """Forget every picture."""
        self._writer.drop(lambda key, stored: True)
        self._remove(lambda name: True)

    def forget(self, plot: str) -> int:
        """Forget the pictures of a plot; return how many, as far as it is known."""
        waiting = self._writer.drop(lambda key, stored: has_name(stored.plot, plot))
        removed = self._remove(lambda name: self._shows(name, plot))
        return len(removed.union(map(_name, waiting)))

    def flush(self, seconds: float = 10.0) -> bool:
        """Wait until every picture is in its file, or `seconds` are over; return whether it is."""
        return self._writer.flush(seconds)

    def close(self) -> None:
        """Write the pictures that wait, and accept no more. `get` still works."""
        self._closed = True
        self.flush()

    def _read(self, key: str) -> Stored | _Missing:
        try:
            with self._folder.open(_name(key)) as file:
                state = os.fstat(file.fileno())
                if state.st_size > self._largest:
                    raise Damaged(f"it has {state.st_size:,} bytes")
                found = unpack(file.read(state.st_size), key)
                if found:
                    self._touch(file, state.st_mtime)
                return found
        except FileNotFoundError:
            pass
        except Damaged as error:
            self._warn("damaged", "the cache deletes a damaged file (%s): %s", _name(key), error)
            self._discard(key)
        except Exception as error:  # any failure is a cache miss
            self._warn_of("read", error)
        return MISSING

    def _touch(self, file: FileIO, used_at: float) -> None:
        """Record that a picture is used, for eviction."""
        now = self._clock()
        if abs(now - used_at) > _TOUCH_AFTER:  # in either direction: clocks are set back, too
            with suppress(OSError):  # the file system may be read-only
                os.utime(file.fileno(), (now, now))

    def _write(self, key: str, stored: Stored) -> None:
        """Write a picture into its file; make room first, if it may be needed."""
        try:
            data = pack(key, stored)
            size = _occupied(len(data))
            if size > self._largest:  # with its label and its header
                self._discard(key)
                return
            self._written += size
            if self._written > self._max_bytes * _LOOK_AFTER:
                self._make_room(size)
                self._written = size
            # Not synchronised with the disk (`lasting`): a power failure can leave a file empty or torn. Its
            # checksum shows that, and the picture is a miss. Measured for 50 kB: 0.06 ms without, 0.5 ms with
            # it on an idle disk, 12 ms on a busy one. The time of the file is from our clock: the file system
            # gives all files of some milliseconds the same time.
            self._folder.write(_name(key), data, mtime=self._clock())
        except Exception as error:  # any failure: the next picture is waiting
            self._warn_of("written", error)

    def _make_room(self, size: int) -> None:
        """Delete the least recently used pictures until `size` more bytes fit well.

        The unfinished files of killed writers go too.
        Several processes may do so at once: they find the same files, and one of them deletes each.
        """
        self._folder.tidy(self._clock())
        found = [(s.st_mtime, _occupied(s.st_size), name) for name, s in self._folder.files(_FOLDER)]
        excess = size + sum(occupied for _, occupied, _ in found) - self._max_bytes * _FULL
        for _, occupied, name in sorted(found):
            if excess <= 0:
                break
            with suppress(OSError):
                self._folder.remove(name)
                excess -= occupied

    def _shows(self, name: str, plot: str) -> bool:
        """Return whether a file holds a picture of the plot."""
        with self._folder.open(name) as file:
            return has_name(plot_of(file), plot)

    def _remove(self, which: Callable[[str], bool]) -> set[str]:
        """Remove the files that `which` accepts; return their names."""
        removed = set()
        try:
            with self._writer.writing:
                for name, _ in self._folder.files(_FOLDER):
                    with suppress(OSError):
                        if which(name):
                            self._folder.remove(name)
                            removed.add(name)
        except OSError as error:
            self._warn_of("cleared", error)
        return removed

    def _discard(self, key: str) -> None:
        """Remove the file of `key`, if that is possible."""
        with suppress(OSError):
            self._folder.remove(_name(key))

    def _warn_of(self, what: str, error: Exception) -> None:
        kind = "refused" if isinstance(error, NotPrivate) else what
        self._warn(kind, "the cache in %s cannot be %s: %s", self._folder.path, what, error)

    def _warn(self, kind: str, message: str, *args: object) -> None:
        """Log a warning, unless one of that kind was logged lately. A refused directory is logged once."""
        now = time.monotonic()
        if now >= self._silent_until.get(kind, -math.inf):
            self._silent_until[kind] = math.inf if kind == "refused" else now + _SAY_EVERY
            log.warning(message, *args)


def _name(key: str) -> str:
    # A hash, because any text may be a key; in 256 folders, because some file systems are slow with large
    # folders.
    name = digest.of_text(key)
    return f"{_FOLDER}/{name[:2]}/{name[2:]}"


def _occupied(size: int) -> int:
    return (size // _BLOCK + 1) * _BLOCK
