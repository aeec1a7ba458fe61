"""The name of a request, in the log and in a header."""

from __future__ import annotations

import os
import re

# One from outside goes into the log and a header: only what cannot break either.
_HARMLESS = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


def request_id(given: str | None) -> str:
    """Return the id that a proxy or client gave, if it may stand anywhere, else a new one."""
    return given if given and _HARMLESS(given) else os.urandom(16).hex()
