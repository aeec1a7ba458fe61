"""The smallest layout of a figure in which its text has room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from plotroute.encode.geometry import PX, Box, Size
from plotroute.encode.matplotlib.layout_quality import EDGE, PAD, Reading, read
from plotroute.encode.matplotlib.layout_reset import Unlaid

MOST_PASSES = 2
"""Layouts of one size until no text leaves the figure: the second knows the ticks of the first."""

MOST_OVERHANG = 0.1
"""Part of the figure beyond which no picture is widened: such a text was put out of sight on purpose."""

SAME = 1
"""CSS pixels by which the natural size and that of the last layout may differ, being the same to rounding."""


def settle(figure: Figure, natural: Size, sizes: Sequence[Size]) -> Box:
    """Lay `figure` out at the first of `sizes` (CSS pixels) where it reads as well as at its natural size.

    That is the last one if no other will do. The layout then stays as it was read: an engine fits ticks
    that it saw before the axes had their new size, so another pass could bring other ones. Returns the
    box of the picture: the figure, and a little more where text hangs over its sides.
    """
    layouts = _Layouts(figure)
    reading = _first_good(layouts, natural, sizes) if len(sizes) > 1 else None
    if reading is None:
        reading = layouts.at(sizes[-1], Reading())
    # Not `set_layout_engine("none")`: that leaves an engine behind which does nothing, and for any engine
    # savefig goes through the whole figure once more before it draws (a tenth of the time of a sized plot).
    figure._layout_engine = None  # type: ignore[attr-defined]
    width, height = layouts.size
    sides = reading.overhang(MOST_OVERHANG * min(width, height))
    # Beside a text that is cut there is to be as much room as engines leave: at another dpi it is as long
    # to some pixels only.
    left, bottom, right, top = np.where(sides > EDGE, sides + PAD, sides).tolist()
    return -left / PX, -bottom / PX, (width + right) / PX, (height + top) / PX


def _first_good(layouts: _Layouts, natural: Size, sizes: Sequence[Size]) -> Reading | None:
    """Lay out at the first of `sizes` that is good, and return what was read; None: the last is still to do.

    A layout of 100 axes takes seconds, so a layout whose outcome is known is left out.
    """
    *smaller, last = sizes
    tried: dict[Size, Reading] = {}
    if layouts.are_of_one_axes:
        first = tried[smaller[0]] = layouts.at(smaller[0])
        if first.is_flawless():
            return first
    if max(abs(natural[0] - last[0]), abs(natural[1] - last[1])) <= SAME:
        natural = last
    before = layouts.at(natural)
    for size in smaller:
        known = tried.get(size)
        if before.rules_out(size) or (known is not None and known.is_worse_inside_than(before)):
            continue
        reading = layouts.at(size, before, is_last=False)
        if not reading.is_tighter_than(before):
            return reading
    return before if layouts.size == last else None


class _Layouts:
    """Layouts of one figure, each of them as if it had been made in that size."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._unlaid = Unlaid(figure)
        self.size: Size = (0, 0)
        """CSS pixels of the layout that the figure has."""

    @property
    def are_of_one_axes(self) -> bool:
        return len(self._figure.axes) == 1

    def at(self, size: Size, against: Reading | None = None, *, is_last: bool = True) -> Reading:
        """Lay the figure out at `size` and read it; again where text hangs over more than in `against`.

        Not again where something else is wrong and there is a larger size to try.
        """
        self._unlaid.restore()
        self.size = size
        reading = read(self._figure, size)
        if against is None:
            return reading
        for _ in range(MOST_PASSES - 1):
            wider = reading.is_wider_than(against, MOST_OVERHANG * min(size))
            if not wider or (not is_last and reading.is_worse_inside_than(against)):
                break
            reading = read(self._figure, size)
        return reading
