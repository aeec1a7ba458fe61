"""Record the files that author code opens, with their states, so that a change of a file is noticed.

Python calls an audit hook for each file that it opens and each folder that it lists; `lookups.py` adds the
files that code looks for. Readers written in C or C++ (Parquet, SQLite, HDF5) open files unseen. So a record
is never complete: it may shorten the time that data is believed to be fresh, and never lengthen it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from plotroute import digest

States = Mapping[str, str | None]
"""Absolute path → what `state` returned for it when it was opened.

A path that ends with `/` stands for the name alone: whether it is a folder, or where a link leads to."""

MOST = 1000
"""Files of one record. To look at them all takes some 5 ms; a record of more files is never current."""

# Files up to this size are read whole for the hash of the code, in 0.1 s; larger ones count by their state.
_HASHED_UP_TO = 64 * 2**20

_TOO_MANY = ""
"""The path in a record of too many files: its state is never the recorded one, so it is not current."""

# Folders of the system: the hash of the environment covers what is installed there, or it is no file.
_SYSTEM = ("/proc", "/sys", "/dev", "/usr/lib", "/usr/share", "/usr/local/lib", "/usr/local/share")
_OWN = Path(__file__).parent.parent
_INSTALLED = {"site-packages", "dist-packages", "__pycache__"}
_IMPORTS = "<frozen importlib._bootstrap_external>"
# Python's own look-ups of modules and packages list every folder of sys.path, the author's too.
_LOOK_UPS = (_IMPORTS, os.sep + os.path.join("importlib", "metadata", "__init__.py"), f"{os.sep}pkgutil.py")
# Modules with which `traceback`, `warnings` and `inspect` quote lines of code.
_QUOTES = (f"{os.sep}tokenize.py", f"{os.sep}linecache.py")

_recording = threading.local()


class Opened:
    """A record of what some author code reads: files and listed folders, each with its state at that moment.

    Files that the same code also writes are left out: they are its own notes, and no input.
    """

    def __init__(self, places: Iterable[str | Path] = ()) -> None:
        """`places` are the author's own folders: files in them count even in a temporary directory."""
        self.places = tuple(str(place) for place in places)
        self.states: dict[str, str | None] = {}
        self._written: set[str] = set()
        self._made: list[str] = []

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what this thread opens in the body."""
        _install()
        outer, _recording.by = getattr(_recording, "by", None), self
        try:
            yield
        finally:
            _recording.by = outer

    def read(self, name: str) -> None:
        """Note that a file, or folder, was opened to be read."""
        if name in self.states or self._is_own(name.rstrip(os.sep)) or not _counts(name, self.places):
            return
        if len(self.states) >= MOST:
            self.states[_TOO_MANY] = "too many"
            return
        self.states[name] = state(name)

    def looked_for(self, name: str, caller: str) -> None:
        """Note that code in the file `caller` has looked whether there is a file, or what it is.

        Libraries look for many files that they do not read, so their look-ups count in the author's folders
        only. But a link counts everywhere: it is the file behind it that is opened next, under another name.
        """
        if os.path.islink(name):
            self.read(name + os.sep)
        if name.endswith((".py", ".pyc")) or not (self._is_mine(name) or self._is_mine(caller)):
            return
        if not os.path.isdir(name):
            self.read(name)
        elif self._is_mine(name):  # not the files in it; and folders above the author's stay
            self.read(name + os.sep)

    def wrote(self, name: str) -> None:
        """Note that a file was opened to be written, put in its place, or taken away."""
        self._written.add(name)
        self.states.pop(name, None)
        self.states.pop(name + os.sep, None)

    def made(self, name: str) -> None:
        """Note that the code made a folder: the files in it are its own notes."""
        self.wrote(name)
        self._made.append(name)

    def _is_mine(self, name: str) -> bool:
        return _is_under(name, self.places)

    def _is_own(self, name: str) -> bool:
        return name in self._written or _is_under(name, self._made)


def state(name: str) -> str | None:
    """Return a text that differs once a file was written, or a folder has other names in it.

    Args:
        name: an absolute path; with `/` at its end only the kind of the file counts, not its content.

    Returns:
        The text; None where there is no such file.
    """
    try:
        if name.endswith(os.sep):
            return _kind(name.rstrip(os.sep))
        found = os.stat(name)
        if found.st_mode & 0o170000 == 0o040000:
            # Hidden files come and go: editors' and databases' own.
            names = sorted(entry for entry in os.listdir(name) if not entry.startswith((".", "__pycache__")))
            text = "\0".join(names).encode("utf-8", "surrogateescape")
            return f"names:{digest.of_bytes(text)}"
    except (OSError, ValueError):
        return None
    # The time of the last change too: `cp -p`, `rsync -t` and archives give a file the time it had elsewhere.
    return f"{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_size}:{found.st_ino}"


def _kind(name: str) -> str | None:
    if os.path.islink(name):
        return f"link:{os.readlink(name)}"
    return "folder" if os.path.isdir(name) else None


def changed(states: States) -> list[str]:
    """Return the paths of the files that have changed since they were opened."""
    return [name for name, before in states.items() if state(name) != before]


def content_hash(states: States) -> str:
    """Return a hash of the content of the files.

    Where a file has changed since it was opened, the hash is a new one each time, since the content that was
    read is not known.
    """
    digest = hashlib.sha256()
    for name, before in sorted(states.items()):
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + _content(name, before) + b"\0")
    if changed(states):
        digest.update(uuid4().bytes)
    return digest.hexdigest()


def _content(name: str, before: str | None) -> bytes:
    try:
        if before is not None and os.path.isfile(name) and os.path.getsize(name) <= _HASHED_UP_TO:
            return hashlib.sha256(Path(name).read_bytes()).digest()
    except OSError:
        pass
    return str(before).encode()


def _counts(name: str, places: tuple[str, ...]) -> bool:
    """Whether a file may be an input of the author's, and not installed, nor made on the way."""
    if not _INSTALLED.isdisjoint(name.split(os.sep)) or _is_under(name, (str(_OWN),)):
        return False
    # The longest path wins: an environment in the author's folder, or the author's folder in an environment.
    mine = max((len(place) for place in places if _is_under(name, (place,))), default=-1)
    others = max((len(place) for place in _elsewhere() if _is_under(name, (place,))), default=-1)
    return mine >= others or others < 0


def _is_under(name: str, places: Iterable[str]) -> bool:
    return any(name == place or name.startswith(place.rstrip(os.sep) + os.sep) for place in places)


def _elsewhere() -> tuple[str, ...]:
    """Return the folders whose files are no author's: Python, the system, caches, temporary files.

    `/tmp` itself is left out: libraries put their temporary files into a folder of the render process's own
    (`TMPDIR`).
    """
    wanted = ("TMPDIR", "XDG_CACHE_HOME", "MPLCONFIGDIR")
    return _folders(tuple(os.environ.get(name, "") for name in wanted))


@functools.lru_cache(maxsize=8)
def _folders(named: tuple[str, ...]) -> tuple[str, ...]:
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.realpath(sys.base_prefix)}
    folders = {*prefixes, *_SYSTEM, *filter(None, named), os.path.expanduser("~/.cache")}
    return tuple(sorted(folders - {os.sep, "/tmp", "/var/tmp"}))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Note an open file. An audit hook cannot be removed, so it is cheap while nothing is recorded."""
    if event in _EVENTS and getattr(_recording, "by", None) is not None:
        note(_EVENTS[event], *arguments)


def note(what: Callable[..., None], *arguments: Any) -> None:
    """Call `what` with the record of this thread, if it has one, and the arguments."""
    if (by := getattr(_recording, "by", None)) is None:
        return
    _recording.by = None  # not the files that plotroute opens meanwhile
    try:
        what(by, *arguments)
    except Exception:  # whatever it is, the author's `open` goes on
        pass
    finally:
        _recording.by = by


def _opened(by: Opened, path: Any, mode: Any, flags: int) -> None:
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    name = os.path.abspath(os.fsdecode(path))
    writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
    if writes:
        by.wrote(name)
    elif name.endswith((".py", ".pyc")):
        # The hash of the code covers imports from the author's folder only. This code is imported from
        # elsewhere, or run or read as it is now. A traceback that quotes a line does not depend on the file.
        if _caller().endswith(_IMPORTS):
            by.read(name if name.endswith(".py") else source_from_cache(name))
        elif name.endswith(".py") and not _caller().endswith(_QUOTES):
            by.read(name)
    else:
        by.read(name)


def _listed(by: Opened, path: Any) -> None:
    if not isinstance(path, int) and not _caller().endswith(_LOOK_UPS):
        by.read(os.path.abspath(os.fsdecode(path or ".")))


def _renamed(by: Opened, source: Any, target: Any, *_: Any) -> None:
    by.wrote(os.path.abspath(os.fsdecode(target)))


def _removed(by: Opened, path: Any, *_: Any) -> None:
    by.wrote(os.path.abspath(os.fsdecode(path)))


def _made(by: Opened, path: Any, *_: Any) -> None:
    by.made(os.path.abspath(os.fsdecode(path)))


def _caller() -> str:
    """Return the file of the code that the hook was called for."""
    return sys._getframe(4).f_code.co_filename


_EVENTS: dict[str, Callable[..., None]] = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "os.rename": _renamed,
    "os.link": _renamed,
    "os.symlink": _renamed,
    "os.remove": _removed,
    "os.rmdir": _removed,
    "os.mkdir": _made,
}


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)
