"""The render server beside the web workers of an app: one server for all of them on a machine.

The first web worker that needs it starts it, as a fresh interpreter with a session of its own: a fork of a
web worker would inherit the locks of its threads and its connections. The server does not stay a child of
that web worker: it listens, forks, and goes on in the fork, so that no web worker gets its SIGCHLD or keeps
its zombie.

It ends by itself a while after the last web worker has left, which it sees by their connections: how a web
worker ends, and which of its threads started the server, makes no difference.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from plotroute.errors import BadSetting
from plotroute.render.client.launch import interpreter, launch
from plotroute.render.drawing.app_context import Recipe
from plotroute.render.startup import locked
from plotroute.settings import Settings

log = logging.getLogger("plotroute.render")

IDLE_AFTER = 15.0
"""Seconds without a web worker after which the server ends. A web worker that is replaced (`max_requests`, a
reload) is away while the app is imported; a server that was told to stop does not wait for it."""

AGAIN_AFTER = 30.0
"""Seconds after which plots that have never loaded are imported again: the cause may have been a database
that was away, and no author saves a file here, as under `plotroute dev`."""

# Seconds between starts, doubled each time: web workers must not restart in a busy loop what ends at once.
_FIRST_PAUSE, _MOST_PAUSE = 0.1, 5.0
# Seconds after which a start counts as a success: the next pause is short again.
_WELL_AFTER = 10.0
# Seconds for a server to listen: an interpreter that hangs must not delay other apps of this user.
_LISTENS_WITHIN = 60.0

# The files of a server: its socket, its lock, when it was last started, the environment that it is for, and
# its temporary files.
_DIGITS, _SUFFIXES = 16, {".sock", ".lock", ".started", ".environment", ".d"}


class Sidecar:
    """The render server for `targets`, shared by all web workers that were started alike."""

    def __init__(
        self,
        targets: Sequence[str],
        settings: Settings,
        recipe: Recipe | None = None,
        built_in: Sequence[str] = (),
    ) -> None:
        """Workers share a server if they have the same parent process, environment, settings and app.

        A deploy that changes any of these gets a server of its own while the old one is ending.
        """
        self._configuration = {
            "targets": list(targets),
            "built_in": list(built_in),
            "settings": asdict(settings),
            "app": asdict(recipe or Recipe()),
            # Relative entries count from this directory, and the server works in another.
            "path": [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)],
        }
        self._environment = _environment(settings.ignored_environment)
        alike = [self._configuration, interpreter(), _parent(), self._environment]
        self._but_for_environment = _hash(json.dumps(alike[:-1]))
        name = _hash(json.dumps(alike))
        self.path = _directory() / f"{name}.sock"

    def start(self) -> None:
        """Start the server, unless it is there or was started a moment ago. It answers in a second or two."""
        _directory()  # a cleaner of temporary files may have removed it
        with locked(self.path):
            if _answers(self.path) or not self._may_start():
                return
            if self.path.exists():
                log.error("the render server ended; starting it again")
                _clear(self.path)
            _sweep(self.path.parent)
            self._log_others()
            configuration = {
                "socket": str(self.path),
                # A new one: the last server may be about to remove its own.
                "directory": tempfile.mkdtemp(".d", f"{self.path.stem}-", self.path.parent),
                "parent": 0,
                "idle_after": IDLE_AFTER,
                "again_after": AGAIN_AFTER,
                # It keeps its last version when plots do not load any more, and reports why.
                "development": True,
                "greeting": "",
            }
            self._run({**self._configuration, **configuration})

    def _log_others(self) -> None:
        """Log why a web worker does not share the render server that another web worker has started.

        A hook that sets a variable for each worker costs the memory of a render server for each of them.
        """
        mine = {name: _hash(value) for name, value in self._environment}
        for note in self.path.parent.glob("*.environment"):
            with contextlib.suppress(FileNotFoundError, ValueError):
                alike, theirs = json.loads(note.read_text())
                if alike != self._but_for_environment or not _answers(note.with_suffix(".sock")):
                    continue
                names = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
                if names:
                    log.warning(
                        "This web worker starts a render server of its own, beside that of another worker, "
                        "whose environment differs in: %s. If these may differ, they share one with "
                        'PLOTROUTE_IGNORED_ENVIRONMENT="%s".',
                        ", ".join(names),
                        ", ".join(names),
                    )
                    break
        self.path.with_suffix(".environment").write_text(json.dumps([self._but_for_environment, mine]))

    def _run(self, configuration: Mapping[str, Any]) -> None:
        child = launch(configuration, detached=True)
        try:
            # This does not wait for the server's end: it goes on in a fork once it listens (`come_in`).
            status = child.wait(_LISTENS_WITHIN)
        except subprocess.TimeoutExpired:
            child.kill()
            status = child.wait()
        if status:
            log.error("the render server did not start (%d)", status)
            shutil.rmtree(configuration["directory"], ignore_errors=True)

    def _may_start(self) -> bool:
        """Whether the last start, by any web worker, is long enough ago; if so, note this start."""
        note = self.path.with_suffix(".started")
        try:
            pause, ago = float(note.read_text()), abs(time.time() - note.stat().st_mtime)
        except (FileNotFoundError, ValueError):
            pause, ago = 0.0, 0.0
        if ago < pause:
            return False
        well = ago > _WELL_AFTER
        note.write_text(str(_FIRST_PAUSE if well else min(_MOST_PAUSE, max(_FIRST_PAUSE, pause * 2))))
        return True


def _directory() -> Path:
    """Return the directory of all sockets of this user, which no other user may enter."""
    try:
        directory = Path(tempfile.gettempdir(), f"plotroute-{os.getuid()}")
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        found = directory.lstat()
    except OSError as error:
        raise BadSetting(
            f"There is no place for the render server's socket: {error}. Set TMPDIR to a directory that you "
            "may write to."
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise BadSetting(
            f"{directory} is to hold the render server's socket, but it is not a directory that only you "
            "may enter. Remove it, or set TMPDIR to a directory of your own."
        )
    # The longest address of a socket that the kernel allows, less the name.
    if len(os.fsencode(directory)) > 107 - len("/.sock") - _DIGITS:
        raise BadSetting(f"{directory} is too long a path for a socket; set TMPDIR to a shorter one.")
    return directory


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]


def _environment(ignored: str) -> list[tuple[str, str]]:
    """Return the variables by which workers are told apart, without those that differ for each of them.

    The number of the worker's own process is one, which a hook of gunicorn's may set; so is a test's name.
    """
    names = ["PYTEST_CURRENT_TEST", *ignored.replace(",", " ").split()]
    own = str(os.getpid())
    kept = ((k, v) for k, v in os.environ.items() if not any(fnmatchcase(k, name) for name in names))
    return sorted((name, value) for name, value in kept if value != own)


def _parent() -> list[str]:
    """Return what identifies the parent of this process, which all web workers of a server share."""
    parent = os.getppid()
    try:
        started = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        started = ""
    return [str(parent), started]


def _answers(path: Path) -> bool:
    """Whether a server listens there, even if it is busy."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:  # the queue of its connections is full
            return True
    return True


def _sweep(directory: Path) -> None:
    """Remove the files of servers that were killed, unless a web worker is starting such a server."""
    for name in {path.name[:_DIGITS] for path in directory.iterdir() if path.suffix in _SUFFIXES}:
        path = directory / f"{name}.sock"
        note = path.with_suffix(".started")
        with contextlib.suppress(BlockingIOError, FileNotFoundError), locked(path, wait=False):
            if _answers(path):
                continue
            _clear(path)
            if not note.exists() or abs(time.time() - note.stat().st_mtime) > 2 * _WELL_AFTER:
                note.unlink(missing_ok=True)
                path.with_suffix(".lock").unlink()


def _clear(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".environment").unlink(missing_ok=True)
    for directory in path.parent.glob(f"{path.stem}-*.d"):
        shutil.rmtree(directory, ignore_errors=True)
