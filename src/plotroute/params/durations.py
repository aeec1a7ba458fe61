"""Durations as text, spelled the same everywhere: `7d`, `1h30m`, `90s`, `500ms`, or ISO 8601 `P7D`, `PT1H`.

Pure. Months and years have no fixed length, so they are not durations.
"""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_SHORT = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[wdhms]))+")
_SHORT_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[wdhms])")
_ISO = re.compile(
    r"P(?:(?P<w>[0-9]+)W)?(?:(?P<d>[0-9]+)D)?"
    r"(?:T(?=[0-9])(?:(?P<h>[0-9]+)H)?(?:(?P<m>[0-9]+)M)?(?:(?P<s>[0-9]+(?:\.[0-9]+)?)S)?)?"
)
# No meant duration is longer. The limit keeps the work of the patterns small.
_MAX_LENGTH = 40

SPELLING = "a number and a unit, such as 90s, 15m, 1h, 7d or 2w (ISO 8601 works too: PT15M, P7D)"


def parse(text: str) -> timedelta:
    """Return the duration that `text` spells.

    Raises:
        ValueError: `text` is not a duration. The message shows the spelling.

    >>> parse("1h30m")
    datetime.timedelta(seconds=5400)
    """
    if len(text) <= _MAX_LENGTH:
        if _SHORT.fullmatch(text):
            parts = _SHORT_PART.findall(text)
            if len({unit for _, unit in parts}) == len(parts):
                return _seconds(sum(float(number) * _UNITS[unit] for number, unit in parts), text)
        elif (iso := _ISO.fullmatch(text)) and any(iso.groupdict().values()):
            found = iso.groupdict()
            return _seconds(sum(float(found[u]) * _UNITS[u] for u in "wdhms" if found[u]), text)
    raise ValueError(f"{text!r} is not a duration: write {SPELLING}")


def _seconds(seconds: float, text: str) -> timedelta:
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"{text!r} is longer than a duration can be") from None


def spell(duration: timedelta) -> str:
    """Return the canonical spelling of `duration`, which is not negative.

    >>> spell(timedelta(hours=36))
    '1d12h'
    """
    left = round(duration.total_seconds() * 1000)
    parts = []
    for unit in ("w", "d", "h", "m", "s", "ms"):
        size = round(_UNITS[unit] * 1000)
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
