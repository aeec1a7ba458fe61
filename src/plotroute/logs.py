"""The log of every process: lines to stderr, and from libraries only what matters."""

from __future__ import annotations

import logging
import sys


def set_up_logging() -> None:
    """Log to stderr, a line per request.

    Of Matplotlib only warnings, and not one for every missing glyph: hundreds for one small plot.
    """
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname).1s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    for name in ("matplotlib", "werkzeug", "_granian"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
