"""Both sides of a render server's start and end, since each must know what the other does.

A server calls `arrive` and `come_in` first, and `close` last. `locked` keeps web processes that start a
server and servers that end from interfering.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO


def arrive() -> dict[str, Any]:
    """In the server: return its configuration, and reset signal masks and handlers inherited from the parent.

    The thread that started the server may block signals, and its process may ignore some. Signals that come
    during the imports wait until the server can handle them: a stop then still counts.
    """
    ours = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_SETMASK, ours)
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # Python ignores those
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    configuration: dict[str, Any] = json.loads(sys.stdin.readline())
    if "path" in configuration:
        os.environ.pop("PYTHONPATH", None)
        if configuration["python_path"] is not None:
            os.environ["PYTHONPATH"] = configuration["python_path"]
    return configuration


def come_in(path: str) -> socket.socket:
    """In a server that was just started: listen at `path`, and go on in a fork, as a child of init.

    The end of the started process tells its parent that the server listens. If another server listens there
    already (a web process was killed while it waited for that start), this one ends.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(path)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            os._exit(0)
        raise
    listener.listen(128)
    if os.fork():
        os._exit(0)
    os.setsid()
    return listener


def close(listener: socket.socket) -> bool:
    """Stop listening for good, in a server that wants to end; False if a web process is connecting."""
    path = Path(listener.getsockname())
    # The lock holder is about to connect. Do not wait for the lock: its holder may be stuck.
    with contextlib.suppress(BlockingIOError, FileNotFoundError), locked(path, wait=False):
        if select.select([listener], [], [], 0)[0]:
            return False
        for suffix in (".sock", ".environment", ".started", ".lock"):
            path.with_suffix(suffix).unlink(missing_ok=True)
        listener.close()
        return True
    # If the directory was cleared away, no web process can find the socket.
    return not path.parent.exists()


@contextlib.contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Keep other processes from starting or ending the server at `path` meanwhile.

    Raises:
        BlockingIOError: Another process holds the lock, and this one is not to `wait`.
    """
    with _locked(path.with_suffix(".lock"), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)) as file:
        try:
            yield
        finally:
            # Closing does not unlock: a process that was forked meanwhile has the file open too.
            fcntl.flock(file, fcntl.LOCK_UN)


def _locked(name: Path, how: int) -> BinaryIO:
    """Return the file of that name, locked. A holder may remove the file: then the lock is a new file's."""
    while True:
        file = name.open("wb")
        try:
            fcntl.flock(file, how)
            if os.path.samestat(os.fstat(file.fileno()), name.stat()):
                return file
        except FileNotFoundError:
            pass
        except BaseException:
            file.close()
            raise
        file.close()
