"""The two sides of a render server's start and end, of which each must know what the other does.

`arrive` and `come_in` are what a server does first, `close` what it does last; `locked` keeps web processes
that start servers, and servers that end, out of each other's way.
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
    """In the server: return its configuration, and be as a process that nobody has started.

    The thread that started us may block signals, and its process ignore some. Those that are told us wait
    until we can hear them: who says stop while we import means it.
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
    """In a server that was just started: listen at `path`, and become nobody's child.

    Whoever waits for the process that was started learns that it listens. Should another one have come first
    (after a worker that was killed while it waited), this one ends.
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
    """Close the door of a server that wants to end, for good; False if somebody knocks."""
    path = Path(listener.getsockname())
    # Whoever has the lock is about to knock; one that is stuck must not keep us from hearing others.
    with contextlib.suppress(BlockingIOError, FileNotFoundError), locked(path, wait=False):
        if select.select([listener], [], [], 0)[0]:
            return False
        for suffix in (".sock", ".environment", ".started", ".lock"):
            path.with_suffix(suffix).unlink(missing_ok=True)
        listener.close()
        return True
    # Nobody finds a door whose directory was cleared away.
    return not path.parent.exists()


@contextlib.contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Keep others from starting, or ending, the server at `path` meanwhile.

    A BlockingIOError says that another does, and we are not to `wait`.
    """
    with _locked(path.with_suffix(".lock"), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)) as file:
        try:
            yield
        finally:
            # Closing is not enough: a process that was forked meanwhile has the file open too.
            fcntl.flock(file, fcntl.LOCK_UN)


def _locked(name: Path, how: int) -> BinaryIO:
    """Return the file of that name, locked. Whoever has it may remove it, and then another one counts."""
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
