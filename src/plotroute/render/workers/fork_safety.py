"""Refuse code that cannot be forked: threads, which are lost at a fork, and connections, which are shared."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Collection
from pathlib import Path

from plotroute.errors import CannotLoad

_CURE = (
    "Move it into a function that is called later (an app factory is: init_app(app, factory=…)), or leave it "
    'out where plots are drawn: if os.environ.get("PLOTROUTE_ROLE") != "render".'
)

_CURE_OF_POOLS = (
    "Move what uses the library into a function that is called later: a dataset (@plots.dataset, with "
    'ttl="forever" if it never changes), a plot, or an app factory. To import the library is fine.'
)

# Threads that look after memory and files, and that nothing waits for: Polars starts them at its import.
_HOUSEKEEPING = ("jemalloc_bg_thd", "polars-ooc-clea")

# A process, its user and its group: what the kernel notes of the other end.
_CREDENTIALS = struct.Struct("3i")


def sockets() -> dict[str, int]:
    """Return the sockets that are open now, by the name that the kernel gives each, with their descriptors.

    Not the numbers alone: the number of a closed socket is soon given to another one.
    """
    found = {}
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the listing itself
            name = os.readlink(f"/proc/self/fd/{number}")
            if name.startswith("socket:"):
                found[name] = int(number)
    return found


def native_threads() -> dict[int, str]:
    """Return the threads of this process that a library has named, by their ids; none but on Linux.

    Those without a name, which have that of the process, are Arrow's and DuckDB's: both make new ones after
    a fork.
    """
    found = {}
    for task in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError):  # it has ended
            found[int(task.name)] = (task / "comm").read_text().strip()
    own = found.get(os.getpid(), "")
    python = {thread.native_id for thread in threading.enumerate()}
    return {id: name for id, name in found.items() if id not in python and name not in (own, *_HOUSEKEEPING)}


def refuse_unforkable(before: dict[str, int], threads: Collection[int] = ()) -> None:
    """Raise a CannotLoad that names a thread, or a connection that is not among the sockets `before`.

    `threads` are ids of a library's threads that were there before.

    A thread is gone after a fork, with whatever lock it held: the child then waits for ever. A connection has
    two ends; of two processes that read from one of them, each gets parts of the other's answers.
    """
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            raise CannotLoad(
                f"Importing the plots starts a thread ({thread.name}, which runs {_work(thread)}), and the "
                f"processes that draw are forked afterwards. {_CURE}"
            )
    if pool := {name for id, name in native_threads().items() if id not in threads}:
        raise CannotLoad(
            f"Importing the plots has a library start threads ({', '.join(sorted(pool))}), and the processes "
            "that draw are forked afterwards: there, the library would wait for them for ever. "
            f"{_CURE_OF_POOLS}"
        )
    for name, number in sockets().items():
        if name not in before and (peer := _stream(number)) is not None:
            raise CannotLoad(
                f"Importing the plots opens a connection ({peer}), which the processes that draw would "
                f"share. {_CURE}"
            )


def _work(thread: threading.Thread) -> str:
    """Return the name of the function that a thread runs."""
    given = getattr(thread, "_target", None) or getattr(thread, "function", None)  # of a Timer
    work = getattr(given, "func", given) or type(thread).run
    return f"{work.__module__}.{work.__qualname__}" if hasattr(work, "__qualname__") else repr(work)


def _stream(number: int) -> str | None:
    """Return what a descriptor is connected to or listens on; None if there is nothing to share.

    Datagrams are whole; both ends of a pair are ours, such as an event loop has to wake itself.
    """
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
        if copy.type != socket.SOCK_STREAM:
            return None
        if copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return f"at {_spell(copy.getsockname())}"
        peer = copy.getpeername()  # an OSError: it is not connected
        return None if peer == "" and _is_ours(copy) else f"to {_spell(peer)}"
    return None


def _is_ours(end: socket.socket) -> bool:
    """Whether this process has made the other end of a connection without an address."""
    told = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(told)[0] == os.getpid())


def _spell(address: object) -> str:
    if isinstance(address, tuple):
        return f"{address[0]} port {address[1]}"
    return str(address) or "another process"
