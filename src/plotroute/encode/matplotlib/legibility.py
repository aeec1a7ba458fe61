"""Find the smallest layout of a figure in which its text has room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from plotroute.encode.geometry import PX, Box, Size
from plotroute.encode.matplotlib.layout_quality import EDGE, PAD, Reading, read
from plotroute.encode.matplotlib.layout_reset import Unlaid

MOST_PASSES = 2
"""Most layouts of one size, until no text leaves the figure: the second knows the ticks of the first."""

MOST_OVERHANG = 0.1
"""Part of the figure by which a text may widen the picture: beyond, the author put it out of sight."""

SAME = 1
"""CSS pixels by which rounding may make the natural size differ from that of the last layout."""


def settle(figure: Figure, natural: Size, sizes: Sequence[Size]) -> Box:
    """Lay `figure` out at the first size at which it reads as well as at its natural size, or at the last.

    The layout then stays as it was read: an engine fits ticks that it saw before the axes had their new size,
    so another pass could bring other ticks.

    Args:
        figure: The figure to lay out.
        natural: Its natural size (CSS pixels).
        sizes: The sizes to try (CSS pixels), smallest first.

    Returns:
        The box of the picture (inches): the figure, and a little more where text hangs over its sides.
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
    # Beside a text that would be cut, keep as much room as engines leave: at another dpi its length differs
    # by some pixels.
    left, bottom, right, top = np.where(sides > EDGE, sides + PAD, sides).tolist()
    return -left / PX, -bottom / PX, (width + right) / PX, (height + top) / PX


def _first_good(layouts: _Layouts, natural: Size, sizes: Sequence[Size]) -> Reading | None:
    """Lay out at the first good size and return its reading; None if the last size is still to be laid out.

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
    """Layouts of one figure, each as if the figure had been made in that size."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._unlaid = Unlaid(figure)
        self.size: Size = (0, 0)
        """CSS pixels of the layout that the figure has."""

    @property
    def are_of_one_axes(self) -> bool:
        return len(self._figure.axes) == 1

    def at(self, size: Size, against: Reading | None = None, *, is_last: bool = True) -> Reading:
        """Lay the figure out at `size` and read it; once more if text hangs over more than in `against`.

        There is no second pass if something else is wrong and a larger size can be tried.
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
