"""Find the picture that a plot function has drawn: the returned, the given, or the one open pyplot figure.

A function that asked for `ax` or `fig` may draw elsewhere all the same (`df.plot()` makes a figure of its
own): the figure that was made for it is then empty, and must not be taken for the picture. A `Figure()` that
pyplot does not know leaves no other trace than that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from plotroute.encode import hints_for_authors
from plotroute.encode.base import LeadsNowhere, NotAFigure
from plotroute.encode.geometry import PX
from plotroute.encode.matplotlib.figures import is_blank

_ELSEWHERE = (
    "it drew on a figure of its own, and nothing on the figure that it asked for: pass ax=ax to what draws "
    "(`df.plot(ax=ax)`), or leave `ax` out of the function's arguments"
)
_ELSEWHERE_TOO = (
    "it drew on the figure that it asked for and left another one open, so which is the picture? Return it "
    "(`return ax`), or pass ax=ax to all that draws"
)
_UNTOUCHED = (
    "it returned nothing, and its axes are as new: nothing was drawn on them. Draw on them (`ax.plot(…)`, "
    "`df.plot(ax=ax)`), or return the figure that was drawn (`return fig`). Where there is nothing to draw, "
    'say so: `raise CannotDraw("no orders yet")`, or `return Picture(ax, alt="no orders yet")`'
)
_CLOSED = "it closed its figure with plt.close(). Leave that line out: plotroute closes figures itself."

# Settings that axes and their texts read when they are made, and not when they are drawn.
_READ_BY_AXES = ("axes.", "figure.", "font.family", "grid.", "xtick.", "ytick.")
# Settings that a figure reads when it is made: a figure that an author asks for as `fig` has no axes yet.
_READ_BY_FIGURES = ("figure.",)
_READ_LATER = {"axes.unicode_minus"}

_HOOK = f"{__name__}:count_figure"
_figures_made = 0


def count_figure(figure: Any) -> None:
    """Count a figure that pyplot has made: Matplotlib calls this for each while a plot function runs."""
    global _figures_made
    _figures_made += 1


@dataclass(frozen=True, slots=True)
class PyplotFigure:
    """The figure and axes that plotroute made for a plot function; None where it asked for none."""

    figure: Any = None
    axes: Any = None
    names: Collection[str] = ()
    """The arguments that the function asks for: "ax", "fig"."""
    made_before: int = 0
    """Number of pyplot figures that were made before the function was called."""

    @classmethod
    def make(cls, names: Collection[str], size: tuple[int, int] | None) -> PyplotFigure:
        """Make the arguments `names` ("ax", "fig") in `size` (CSS pixels); count figures from now on."""
        figure = axes = None
        if names:
            inches = (size[0] / PX, size[1] / PX) if size else None
            # A pyplot figure, so that `plt.title()` in a draw(ax) reaches it too.
            figure = plt.figure(figsize=inches, layout="constrained")
            if "ax" in names:
                axes = figure.subplots()
        # Reset with all rcParams after the drawing.
        mpl.rcParams["figure.hooks"] = [*mpl.rcParams["figure.hooks"], _HOOK]
        return cls(figure, axes, names, _figures_made)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments to call the function with."""
        return {name: self.axes if name == "ax" else self.figure for name in self.names}

    def is_read_already(self, setting: str) -> bool:
        """Whether the figure, or its axes if it has some, have read this rcParam when they were made."""
        if self.figure is None:
            return False
        read = _READ_BY_AXES if self.figure.axes else _READ_BY_FIGURES
        return setting.startswith(read) and setting not in _READ_LATER

    def picture(self, returned: Any, error: LeadsNowhere | None = None, *, deliberate: bool = False) -> Any:
        """Return the figure that the function has drawn: see `GivenFigure`."""
        figure = returned
        if self.figure is None:
            figure = self._left_open(error) if figure is None else figure
        elif figure is None or figure is self.figure:
            figure = self._given_or_other(figure is not None, error)
        if not deliberate and _is_blank(figure):
            raise error or hints_for_authors.blank()
        if not deliberate and returned is None and _is_untouched(figure):
            raise error or NotAFigure(_UNTOUCHED)
        return figure

    def _left_open(self, error: LeadsNowhere | None) -> Any:
        """Return the one pyplot figure that is open. An empty figure beside it was made for nothing."""
        figures = _open_figures()
        if len(figures) > 1:
            figures = [figure for figure in figures if not _is_untouched(figure)] or figures
        if len(figures) == 1:
            return figures[0]
        if figures:
            what = "no figure" if error else "nothing"
            raise NotAFigure(
                f"it left {len(figures)} pyplot figures open and returned {what}, so which is the "
                "picture? Return it (`return fig`)."
            )
        if self._makes_figures():
            raise NotAFigure(_CLOSED)
        raise error or NotAFigure(
            "it returned nothing and left no pyplot figure open. Return the figure (`return fig`)."
        )

    def _given_or_other(self, is_returned: bool, error: LeadsNowhere | None) -> Any:
        """Return the figure that the function was given, or the other one on which it drew instead."""
        others = [f for f in _open_figures() if f is not self.figure and not _is_blank(f)]
        if others:
            if not is_returned and len(others) == 1 and self._is_untouched():
                return others[0]
            if not self._is_drawn_on():
                raise NotAFigure(_ELSEWHERE)
            if not is_returned:
                raise NotAFigure(_ELSEWHERE_TOO)
        elif error and self._is_untouched():
            raise error
        elif self._makes_figures() and not is_returned and self._is_untouched():
            raise NotAFigure(_ELSEWHERE)
        return self.figure

    def _makes_figures(self) -> bool:
        """Whether the function has made figures of its own, closed figures included."""
        return _figures_made > self.made_before

    def _is_drawn_on(self) -> bool:
        """Whether anything was added: an artist, axes, a text, a legend, an image."""
        children = [c for c in self.figure.get_children() if c not in (self.figure.patch, self.axes)]
        if self.axes is not None and self.axes in self.figure.axes:
            children += _added(self.axes)
        return bool(children)

    def _is_untouched(self) -> bool:
        """Whether it is as it was made, but for colours: no words, no limits, nothing drawn."""
        if self._is_drawn_on():
            return False
        return self.axes is None or (self.axes in self.figure.axes and _is_as_new(self.axes))


def _open_figures() -> list[Any]:
    return [plt.figure(number) for number in plt.get_fignums()]


def _is_blank(figure: Any) -> bool:
    return isinstance(figure, Figure) and is_blank(figure)


def _is_untouched(figure: Any) -> bool:
    """Whether nothing is on `figure`, or nothing but axes as they were made: no artists, words or limits."""
    if not isinstance(figure, Figure) or _is_blank(figure):
        return isinstance(figure, Figure)
    others = [child for child in figure.get_children() if child not in (figure.patch, *figure.axes)]
    return not others and all(not _added(axes) and _is_as_new(axes) for axes in figure.axes)


def _is_as_new(axes: Any) -> bool:
    """Whether axes have the words and scales of new axes. Other kinds (polar, 3D) count as different."""
    new = Figure().subplots()
    return type(axes) is type(new) and _described(axes) == _described(new)


def _added(axes: Any) -> list[Any]:
    """Return what was drawn on axes; their own parts (spines, axis, titles) are not in these lists."""
    artists = (axes.artists, axes.collections, axes.images, axes.lines, axes.patches, axes.tables, axes.texts)
    legend = axes.get_legend()
    # Containers too: `ax.bar([], [])` draws no bar, and is a drawing of the data all the same.
    groups = (*artists, axes.child_axes, axes.containers)
    return [a for some in groups for a in some] + ([legend] if legend else [])


def _described(axes: Any) -> tuple[Any, ...]:
    """Return the words and scales of axes: what an author may set without drawing anything.

    Colours, spines and grids are left out: rcParams that the function has set make those of new axes differ.
    """
    return (
        *(axes.get_title(loc) for loc in ("left", "center", "right")),
        *(axes.get_visible(), axes.axison, axes.get_aspect()),
        *(
            (axis.get_label_text(), axis.get_scale(), tuple(axis.get_view_interval()), axis.get_visible())
            for axis in (axes.xaxis, axes.yaxis)
        ),
        *(type(axis.get_major_locator()) for axis in (axes.xaxis, axes.yaxis)),
        *(type(axis.get_major_formatter()) for axis in (axes.xaxis, axes.yaxis)),
    )
