"""A cache in files: shared by processes, there after a restart, bounded in bytes.

A picture need not be kept, but what is got must be what was put, whoever was killed while writing and
whatever has become of the file. So nothing here is locked or synchronised between processes: a file is put
in its place as a whole, carries its key and a checksum, and may be deleted by anybody at any time.
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
from plotroute.cache.base import MISSING, Stored, _Missing, is_of
from plotroute.cache.epochs import Epochs
from plotroute.cache.folder import NotPrivate, PrivateFolder
from plotroute.cache.packing import Damaged, pack, plot_of, unpack
from plotroute.cache.writer import Writer
from plotroute.clock import now

log = logging.getLogger("plotroute.cache")

_FOLDER = "pictures"
# A file takes whole blocks of this size on most file systems; so no cache has very many tiny files.
_BLOCK = 4096
# A process looks how full the folder is when it has written a twentieth of what fits, and then leaves a
# tenth free: that is what two processes may write before the next look. Each further one may be a twentieth
# too much for a moment; looking more often would cost more (measured: 5 µs per file that is there).
_LOOK_AFTER = 1 / 20
_FULL = 9 / 10
# Being used is written down so rarely because it is a write to the disk for every picture that is read; what
# is to go first was not used for hours, so minutes do not matter.
_TOUCH_AFTER = 600.0
# A disk that is full is so for every picture.
_SAY_EVERY = 60.0


class DiskCache:
    """About `max_bytes` of pictures in `directory`; one larger than an eighth of that is not kept at all.

    Nothing is touched before the first `put`. A directory that others could write to is not used.
    """

    def __init__(self, directory: Path, max_bytes: int, clock: Callable[[], float] = now) -> None:
        self._folder = PrivateFolder(directory)
        self._epochs = Epochs(self._folder)
        self._writer = Writer(self._write)
        self._max_bytes = max_bytes
        self._largest = max_bytes // 8  # one giant must not push out a thousand others
        self._clock = clock
        self._written = max_bytes  # since the last look: nobody knows what others have left
        self._closed = False
        self._silent_until: dict[str, float] = {}

    def get(self, key: str) -> Stored | _Missing:
        """Return what is stored under `key`, expired or not, or MISSING."""
        return self._writer.get(key) or self._read(key)

    def put(self, key: str, stored: Stored) -> None:
        """Store under `key`, soon; the least recently used make room."""
        if _occupied(len(stored.image.body)) > self._largest:
            self._writer.drop(lambda other, _: other == key)
            self._discard(key)
        elif not self._closed and not self._writer.put(key, stored):
            self._warn("full", "the cache does not keep a picture: more are waiting than can be written")

    def clear(self) -> None:
        """Forget every picture; epochs stay."""
        self._writer.drop(lambda key, stored: True)
        self._remove(lambda name: True)

    def epoch(self, *names: str) -> str:
        """Return "" as long as the plot of these names was never purged, else what every purge changes.

        Another process's purge is seen a second later.
        """
        return self._epochs.of(*names)

    def purge(self, plot: str) -> int:
        """Change the epoch of the plot and forget its pictures; return how many, as far as is known."""
        # The epoch first: what is drawn from now on has another name. Where the disk is full for that, the
        # pictures that go make room.
        failed = self._renew(plot)
        waiting = self._writer.drop(lambda key, stored: is_of(stored.plot, plot))
        removed = self._remove(lambda name: self._is_of(name, plot))
        failed = failed and self._renew(plot)
        if failed:
            self._warn_of("purged for other processes", failed)
        return len(removed.union(map(_name, waiting)))

    def flush(self, seconds: float = 10.0) -> bool:
        """Wait until everything that was put is in files, so long at most, and say whether it is."""
        return self._writer.flush(seconds)

    def close(self) -> None:
        """Write what waits, and take no more. What is there can still be got."""
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
        except Exception as error:  # whatever it is, a picture is missing
            self._warn_of("read", error)
        return MISSING

    def _touch(self, file: FileIO, used_at: float) -> None:
        now = self._clock()
        if abs(now - used_at) > _TOUCH_AFTER:  # either way: clocks are put back, too
            with suppress(OSError):  # a file system that is read-only
                os.utime(file.fileno(), (now, now))

    def _write(self, key: str, stored: Stored) -> None:
        """Write a picture into its file, and before that make room where it may be needed."""
        try:
            data = pack(key, stored)
            size = _occupied(len(data))
            if size > self._largest:  # with its words
                self._discard(key)
                return
            self._written += size
            if self._written > self._max_bytes * _LOOK_AFTER:
                self._make_room(size)
                self._written = size
            # Not synchronised with the disk (`lasting`): a power failure can leave a file empty or torn,
            # which its checksum tells, and a picture is missing. Measured for 50 kB: 0.06 ms without, 0.5 ms
            # with it on an idle disk, 12 ms on a busy one. The time is
            # ours and not the file system's, which has one for all files of some milliseconds.
            self._folder.write(_name(key), data, mtime=self._clock())
        except Exception as error:  # whatever it is, the next picture waits
            self._warn_of("written", error)

    def _make_room(self, size: int) -> None:
        """Delete what was used longest ago, until `size` more bytes fit well, and what killed writers left.

        Several processes may do so at once: they find the same files, and each is deleted by one of them.
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

    def _is_of(self, name: str, plot: str) -> bool:
        with self._folder.open(name) as file:
            return is_of(plot_of(file), plot)

    def _remove(self, which: Callable[[str], bool]) -> set[str]:
        """Remove the files that `which` says, and return their names."""
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
        """Forget what is under `key`, if it can be."""
        with suppress(OSError):
            self._folder.remove(_name(key))

    def _renew(self, plot: str) -> OSError | None:
        try:
            self._epochs.renew(plot)
        except OSError as error:
            return error
        return None

    def _warn_of(self, what: str, error: Exception) -> None:
        kind = "refused" if isinstance(error, NotPrivate) else what
        self._warn(kind, "the cache in %s cannot be %s: %s", self._folder.path, what, error)

    def _warn(self, kind: str, message: str, *args: object) -> None:
        """Log a warning, unless there was one of that kind lately. A directory is refused only once."""
        now = time.monotonic()
        if now >= self._silent_until.get(kind, -math.inf):
            self._silent_until[kind] = math.inf if kind == "refused" else now + _SAY_EVERY
            log.warning(message, *args)


def _name(key: str) -> str:
    # A hash, because any text is a key; over 256 folders, because some file systems are slow with large ones.
    name = digest.of_text(key)
    return f"{_FOLDER}/{name[:2]}/{name[2:]}"


def _occupied(size: int) -> int:
    return (size // _BLOCK + 1) * _BLOCK
