"""Reset a figure to its state before any layout, so that one layout does not influence the next."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

_MARGINS = ("left", "bottom", "right", "top", "wspace", "hspace")


class Unlaid:
    """The state of a figure before a layout, taken when the object is made.

    Engines start from the places that axes have: a legend that is wider than its axes in a small layout
    makes the axes narrower, so that it sticks out even more, and a larger layout would start from there.
    Tables make their text smaller, axes of equal aspect make their limits wider, and neither undoes that.
    """

    def __init__(self, figure: Figure) -> None:
        self._figures = with_subfigures(figure)
        self._margins = [{name: getattr(it.subplotpars, name) for name in _MARGINS} for it in self._figures]
        axes: list[Any] = figure.axes
        self._places = [(it, it.get_position(original=True)) for it in axes]
        self._limits = [
            (it, it.get_xlim(), it.get_ylim())
            for it in axes
            if it.name == "rectilinear" and it.get_aspect() != "auto" and it.get_adjustable() == "datalim"
        ]
        self._sizes = [
            (cell, cell.get_fontsize())
            for it in axes
            for table in it.tables
            for cell in table.get_celld().values()
        ]

    def restore(self) -> None:
        """Undo the changes of all layouts since."""
        for figure, margins in zip(self._figures, self._margins, strict=True):
            figure.subplotpars.update(**margins)
            if figure is not self._figures[0]:
                figure._redo_transform_rel_fig()
        for axes, place in self._places:
            # Not `set_position`, which takes the axes out of the layout.
            axes._set_position(place)
        for axes, x, y in self._limits:
            # A limit that is set by hand ends autoscaling; `auto=None` leaves it as it is.
            axes.set_xlim(x, emit=False, auto=None)
            axes.set_ylim(y, emit=False, auto=None)
        for cell, size in self._sizes:
            cell.set_fontsize(size)


def with_subfigures(figure: Any) -> list[Any]:
    """Return a figure and all subfigures in it."""
    return [figure, *(deeper for it in figure.subfigs for deeper in with_subfigures(it))]
