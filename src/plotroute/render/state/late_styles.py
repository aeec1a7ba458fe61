"""Say when a `draw(ax)` function sets a style too late: its axes exist already, and keep what they have."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any

from plotroute.render.state.reset import parts
from plotroute.render.state.tables import Rc

log = logging.getLogger("plotroute.render")

# What axes and their texts read when they are made, and not when they are drawn.
_READ_BY_AXES = ("axes.", "figure.", "font.family", "grid.", "xtick.", "ytick.")
# What a figure reads when it is made: one that an author asks for as `fig` has no axes yet.
_READ_BY_FIGURES = ("figure.",)
_READ_LATER = {"axes.unicode_minus"}

# Code through which an author sets a style; other libraries set rcParams for their own ends.
_BY_AUTHORS = ("matplotlib", "seaborn.rcmod", "contextlib", "_collections_abc", "plotroute")

_told: set[str] = set()


@contextlib.contextmanager
def late_styles_told(plot: str, figure: Any) -> Iterator[None]:
    """Log which settings the body, the function of `plot`, changes in vain; once in a process.

    `figure` is the one that it was given.
    """
    late: set[str] = set()

    def note(key: str) -> None:
        read = _READ_BY_AXES if figure.axes else _READ_BY_FIGURES
        if key.startswith(read) and key not in _READ_LATER and _is_authors():
            late.add(key)

    rc = next(part for part in parts() if isinstance(part, Rc))
    with rc.told(note):
        yield
    if late and plot not in _told:
        _told.add(plot)
        of_figure = all(key.startswith(_READ_BY_FIGURES) for key in late)
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
