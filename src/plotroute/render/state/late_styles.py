"""Warn if a `draw(ax)` function sets a style too late: its axes exist already, and keep their style."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

from plotroute.encode.base import GivenFigure
from plotroute.render.state.reset import parts
from plotroute.render.state.tables import Rc

log = logging.getLogger("plotroute.render")

# Code through which authors set a style; other libraries set rcParams for their own purposes.
_BY_AUTHORS = ("matplotlib", "seaborn.rcmod", "contextlib", "_collections_abc", "plotroute")

_warned: set[str] = set()


@contextlib.contextmanager
def warn_of_late_styles(plot: str, given: GivenFigure) -> Iterator[None]:
    """Log settings that a plot function changes too late for its figure, once per process and plot.

    Args:
        plot: The name of the plot; the body calls its function.
        given: The figure that the function draws on.
    """
    late: set[str] = set()

    def note(key: str) -> None:
        if given.is_read_already(key) and _is_authors():
            late.add(key)

    rc = next(part for part in parts() if isinstance(part, Rc))
    with rc.on_set(note):
        yield
    if late and plot not in _warned:
        _warned.add(plot)
        of_figure = all(key.startswith("figure.") for key in late)
        some = ", ".join(sorted(late)[:5]) + (", …" if len(late) > 5 else "")
        log.warning(
            "%s sets a style after its %s made, which therefore %s not follow it (%s). Set it at the "
            "top of the plots file, or leave ax and fig out of the function and make the figure in it.",
            plot,
            *(("figure was", "does") if of_figure else ("axes were", "do")),
            some,
        )


def _is_authors() -> bool:
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_BY_AUTHORS):
        frame = frame.f_back
    return "site-packages" not in frame.f_code.co_filename
