"""What time it is, looked up at each call: a test that sets the clock (freezegun) sets all of plotroute's.

`time.time` as a default argument is bound when the function is defined, and stays the real one.
"""

from __future__ import annotations

import time


def now() -> float:
    """Return the seconds since 1970."""
    return time.time()
