"""The time of day, read at each call, so that a test that sets the clock sets it for all of plotroute.

A test sets it with freezegun. `time.time` as a default argument would be bound when the function is defined,
and would stay the real clock.
"""

from __future__ import annotations

import time


def now() -> float:
    """Return the seconds since 1970."""
    return time.time()
