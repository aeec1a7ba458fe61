"""The error of a text or value that does not fit its parameter, and words that such errors share. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from plotroute.model import Json

_HUGE = 2**63
_SHOWN = 40
# Comparing two names takes time in proportion to the length of both; no name is longer.
_MAX_GUESSED = 100


class InvalidValue(ValueError):
    """A text or value does not fit its parameter.

    Args:
        why: What is wrong. It continues a sentence that begins with the value (`is not a whole number`) if
            `quoted`, and is a sentence of its own if not.
        code: A code of ParameterError.
        quoted: Whether the message begins with the value.
        allowed: The values that are accepted, if they are few.
        nearest: The text that the request probably meant.
    """

    def __init__(
        self,
        why: str,
        code: str = "malformed",
        *,
        quoted: bool = True,
        allowed: Sequence[Json] | None = None,
        nearest: str | None = None,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.quoted = quoted
        self.allowed = allowed
        self.nearest = nearest


def shown(value: Any) -> str:
    """Return a few printable characters that show `value` in a message."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN else value[:_SHOWN] + "…")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= _HUGE:
        return "a huge number"  # Python itself refuses to print it beyond 4,300 digits
    if isinstance(value, (int, float, date, timedelta)):
        return str(value)
    return f"a value of type {type(value).__name__}"


def nearest(sent: str, names: Sequence[str]) -> str | None:
    """Return the name in `names` that `sent` most likely misspells; None if no name is similar."""
    folded = {name.casefold(): name for name in reversed(names)}
    close = difflib.get_close_matches(sent[:_MAX_GUESSED].casefold(), folded, n=1)
    return folded[close[0]] if close else None
