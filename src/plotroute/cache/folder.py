"""A private folder, shared by processes of one user: a file in it is there as a whole, or not at all.

It trusts nothing that other users could have put there. If it is deleted, the next write makes it again.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path

# Files that are being written. In a folder of their own, so that those of killed processes are found; within
# the private folder, so that moving a file to its place is a rename.
_NEW = "new"
# Seconds after which an unfinished file is removed: writing takes milliseconds, but a process may be stopped
# meanwhile. A process that continues later finds its file gone, and one picture is not kept.
_UNFINISHED_FOR = 600.0


class NotPrivate(OSError):
    """Other users could write into the folder, or put another in its place."""


class PrivateFolder:
    """Files by name (`pictures/1f/…`). All methods raise OSError, and may be called from any thread."""

    def __init__(self, path: Path) -> None:
        # The working directory may change; symbolic links stay what they are.
        self.path = os.path.abspath(path)

    def check(self) -> None:
        """Raise NotPrivate if the folder is not private. A folder that is not there yet is."""
        try:
            state = os.lstat(self.path)
        except FileNotFoundError:
            return
        if stat.S_ISLNK(state.st_mode):
            raise NotPrivate("it is a symbolic link; name the directory that it leads to")
        if not stat.S_ISDIR(state.st_mode):
            raise NotPrivate("it is not a directory")
        # The cure for both is often the same: a volume that belongs to root, or to a group.
        cure = "name a directory in it that does not exist yet: it will be made"
        if state.st_uid != os.geteuid():
            raise NotPrivate(f"it belongs to another user (uid {state.st_uid}); {cure}")
        if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise NotPrivate(f"other users may write into it (mode {stat.S_IMODE(state.st_mode):o}); {cure}")

    def state(self, name: str) -> os.stat_result:
        """Return the state of a file or a sub-folder."""
        self.check()
        return os.lstat(self._path(name))

    def open(self, name: str) -> FileIO:
        """Open a file for reading."""
        self.check()
        return open(self._path(name), "rb", buffering=0, opener=_only_files)

    def write(self, name: str, data: bytes, *, mtime: float | None = None, lasting: bool = False) -> None:
        """Write a file, as a whole.

        Args:
            name: The name of the file; a file of that name is replaced.
            data: Its content.
            mtime: Its time, in seconds since 1970; None: now.
            lasting: Whether it must survive a power failure.
        """
        path = self._path(name)
        new = self._path(f"{_NEW}/{secrets.token_hex(16)}")
        _make(self.path)
        self.check()
        _make(os.path.dirname(new))
        _make(os.path.dirname(path))
        try:
            with open(new, "xb", opener=_private) as file:
                file.write(data)
                if lasting:
                    file.flush()
                    os.fsync(file.fileno())
            if mtime is not None:
                os.utime(new, (mtime, mtime))
            os.replace(new, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(new)
            raise
        if lasting:
            _sync_folder(os.path.dirname(path))
            _sync_folder(self.path)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self.check()
        with suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def files(self, name: str) -> Iterator[tuple[str, os.stat_result]]:
        """Yield each file below a sub-folder, with its state. Files that come or go now may be missing."""
        self.check()
        try:
            with os.scandir(self._path(name)) as entries:
                found = list(entries)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in found:
            below = f"{name}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from self.files(below)
                continue
            with suppress(FileNotFoundError):
                yield below, entry.stat(follow_symlinks=False)

    def tidy(self, now: float) -> None:
        """Remove the unfinished files of killed processes."""
        for name, state in self.files(_NEW):
            if now - state.st_mtime > _UNFINISHED_FOR:
                with suppress(OSError):
                    self.remove(name)

    def _path(self, name: str) -> str:
        return f"{self.path}/{name}"


def _only_files(path: str, flags: int) -> int:
    # Open no link, and do not wait at a pipe for a process that writes into it.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _make(folder: str) -> None:
    """Make a private folder, and the missing folders above it."""
    if not os.path.isdir(folder):
        _make(os.path.dirname(folder))
        with suppress(FileExistsError):  # another process was faster
            os.mkdir(folder, 0o700)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
