"""Reset what a plot may change in Python itself to the state before that drawing.

The state at the import of the author's module would be wrong: streams, handlers and timers belong to the test
or notebook that runs the drawing, and may have changed since.
"""

from __future__ import annotations

import contextlib
import decimal
import gc
import importlib
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from plotroute.render.system import limits

# As `signal.getsignal`, which takes 3 µs to make an enumeration of a number: there are 64 signals.
_handler: Callable[[int], Any] = importlib.import_module("_signal").getsignal
_NUMBERS = [int(n) for n in signal.valid_signals() if n not in (signal.SIGKILL, signal.SIGSTOP)]
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_NAMES = ("stdin", "stdout", "stderr", "excepthook", "displayhook")


@contextlib.contextmanager
def reset_interpreter() -> Iterator[None]:
    """Run the body, and reset what it has changed: in microseconds, because each picture needs it."""
    streams = [getattr(sys, name) for name in _NAMES]
    arithmetic = decimal.getcontext().copy()
    depth, collects, thresholds = sys.getrecursionlimit(), gc.isenabled(), gc.get_threshold()
    patience, zone, tracer = socket.getdefaulttimeout(), time.tzname, sys.gettrace()
    mask = os.umask(0o077)
    os.umask(mask)
    signals, own_limits = _signals(), list(map(resource.getrlimit, limits.KINDS))
    try:
        yield
    finally:
        os.umask(mask)
        for name, stream in zip(_NAMES, streams, strict=True):
            setattr(sys, name, stream)
        decimal.setcontext(arithmetic)
        if sys.getrecursionlimit() != depth:
            sys.setrecursionlimit(depth)
        if sys.gettrace() is not tracer:
            sys.settrace(tracer)
        (gc.enable if collects else gc.disable)()
        gc.set_threshold(*thresholds)
        socket.setdefaulttimeout(patience)
        signals()
        _put_back_limits(own_limits)
        if time.tzname != zone and hasattr(time, "tzset"):
            time.tzset()  # by now TZ is what it was


def _put_back_limits(own_limits: list[tuple[int, int]]) -> None:
    """Reset the limits that a plot has set (open files, memory). A lowered hard limit stays."""
    for which, before in zip(limits.KINDS, own_limits, strict=True):
        if resource.getrlimit(which) != before:
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(which, before)


def _signals() -> Callable[[], None]:
    """Return a function that resets handlers, mask and timers. Only the main thread has them."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    handlers = list(map(_handler, _NUMBERS))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    running = [timer for timer in _TIMERS if signal.getitimer(timer)[0]]

    def put_back() -> None:
        for timer in _TIMERS:
            if timer not in running:  # a time limit of a test runs on
                signal.setitimer(timer, 0)
        if list(map(_handler, _NUMBERS)) != handlers:
            for number, handler in zip(_NUMBERS, handlers, strict=True):
                if handler is not None and _handler(number) != handler:  # None: not set by Python
                    signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    return put_back
