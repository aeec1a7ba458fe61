"""Room for new connections: when it runs out, those that wait for nothing are ended first."""

from __future__ import annotations

import os
import threading
import time

from plotroute.web.transport.sockets import accepted

_LOOK_EVERY = 2.0
"""Seconds between looks. One look at a thousand connections takes some 10 ms."""

_FULL_FROM = 0.75
"""The part of the connections at which it becomes crowded."""

_IDLE_FOR = 5.0
"""Seconds without a byte after which a connection may be ended where it is crowded: a browser that comes back
opens another."""


def keep_room(most: int) -> None:
    """Watch, in a thread of its own, that fewer than `most` connections are open; Linux only."""
    if os.path.isdir("/proc/self/fd"):
        threading.Thread(target=_watch, args=(most,), name="plotroute-crowding", daemon=True).start()


def _watch(most: int) -> None:
    while True:
        time.sleep(_LOOK_EVERY)
        if len(os.listdir("/proc/self/fd")) > most * _FULL_FROM:
            _end_idle()


def _end_idle() -> None:
    with accepted() as connections:
        for each in connections:
            waits = each.pending or each.is_unanswered()
            if not waits and min(each.sent_ago, each.received_ago) > _IDLE_FOR:
                each.end()
