"""The name of a request, in the log and in a header."""

from __future__ import annotations

import os
import random
import re

# One from outside goes into the log and a header: only what cannot break either.
_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch

# Not os.urandom for each: asking the kernel lets go of the interpreter, and a ready answer then waits for its
# turn among all threads that answer (6 of 49 µs). An id is a name and no secret.
_random = random.Random()
os.register_at_fork(after_in_child=_random.seed)


def request_id(given: str | None) -> str:
    """Return the id that a proxy or client gave, if it may stand anywhere, else a new one."""
    return given if given and _HARMLESS(given) else f"{_random.getrandbits(128):032x}"
