"""The log of every process: lines to stderr, without the noise of libraries."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import time
from collections.abc import Iterable
from functools import lru_cache

_TIME = "%H:%M:%S"

# Control characters but tabs and ends of lines; in Unicode, what turns a text around or ends a line.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def set_up_logging() -> None:
    """Log to stderr, a line per request.

    Matplotlib logs warnings only, and none for missing glyphs, of which one small plot has hundreds.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(asctime)s %(levelname).1s %(message)s", _TIME))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in ("matplotlib", "werkzeug", "_granian"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


class _Printable(logging.Formatter):
    """Formats records so that no text of a request, an error or a plot can look like a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record, its second and further lines indented, so that they do not look like records."""
        return printable(super().format(record)).replace("\n", "\n  ")


def printable(text: str) -> str:
    """Return `text` with control characters of terminals as escapes (`\\x1b`). Ends of lines stay."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def write_lines(lines: Iterable[tuple[float, str]]) -> None:
    """Write many lines of level INFO at once, each from (seconds since 1970, text)."""
    text = "".join(f"{_clock(int(at))} I {line}\n" for at, line in lines)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            # A log that cannot be written (a closed pipe, a full disk) must not end the server.
            with contextlib.suppress(OSError, ValueError), handler.lock or contextlib.nullcontext():
                handler.stream.write(text)
                handler.flush()


@lru_cache(maxsize=16)
def _clock(second: int) -> str:
    return time.strftime(_TIME, time.localtime(second))
