"""The log of every process: lines to stderr, and from libraries only what matters."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterable
from functools import lru_cache

_TIME = "%H:%M:%S"


def set_up_logging() -> None:
    """Log to stderr, a line per request.

    Of Matplotlib only warnings, and not one for every missing glyph: hundreds for one small plot.
    """
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname).1s %(message)s",
        datefmt=_TIME,
        stream=sys.stderr,
    )
    for name in ("matplotlib", "werkzeug", "_granian"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def write_lines(lines: Iterable[tuple[float, str]]) -> None:
    """Write many lines of information at once, as the log would: (seconds since 1970, text) of each."""
    text = "".join(f"{_clock(int(at))} I {line}\n" for at, line in lines)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            # A log that breaks (its reader is gone, its disk is full) is no reason to stop.
            with contextlib.suppress(OSError, ValueError), handler.lock or contextlib.nullcontext():
                handler.stream.write(text)
                handler.flush()


@lru_cache(maxsize=16)
def _clock(second: int) -> str:
    return time.strftime(_TIME, time.localtime(second))
