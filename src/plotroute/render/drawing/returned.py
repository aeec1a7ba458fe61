"""Which picture a plot function has made: what it returned, what it asked for, or what it left open.

A function that asked for `ax` or `fig` may draw elsewhere all the same (`df.plot()` makes a figure of its
own): the figure that was made for it is then empty, and must not be taken for the picture. A `Figure()` that
pyplot does not know leaves no other trace than that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from plotroute import encode
from plotroute.encode import hints_for_authors
from plotroute.encode.base import LeadsNowhere, NotAFigure
from plotroute.model import Picture

_ELSEWHERE = (
    "it drew on a figure of its own, and nothing on the one that it asked for: pass ax=ax to what draws "
    "(`df.plot(ax=ax)`), or leave `ax` out of the function's arguments"
)
_ELSEWHERE_TOO = (
    "it drew on the figure that it asked for and left another one open, so which is the picture? Return the "
    "one that is (`return ax`), or pass ax=ax to all that draws"
)
_UNTOUCHED = (
    "it returned nothing, and its axes are as new: nothing was drawn on them. Draw on them (`ax.plot(…)`, "
    "`df.plot(ax=ax)`), or return the figure that was drawn (`return fig`). Where there is nothing to draw, "
    'say so: `raise CannotDraw("no orders yet")`, or `return Picture(ax, alt="no orders yet")`'
)
_CLOSED = "it closed its figure with plt.close(). Leave that line out: plotroute closes figures itself."

_HOOK = f"{__name__}:noticed"
_made = 0


def noticed(figure: Any) -> None:
    """Count a figure that pyplot has made: Matplotlib calls this for each while a plot function runs."""
    global _made
    _made += 1


@dataclass(frozen=True, slots=True)
class Given:
    """What plotroute made for a function that asked for it; no figure for one that did not."""

    figure: Any = None
    axes: Any = None
    made_before: int = 0
    """Figures of pyplot's that were made before the function was called."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments to call the function with."""
        return {name: value for name, value in (("fig", self.figure), ("ax", self.axes)) if value is not None}

    @property
    def makes_figures(self) -> bool:
        """Whether the function has made figures of its own, closed ones included."""
        return _made > self.made_before

    def is_drawn_on(self) -> bool:
        """Whether anything was added: an artist, axes, a text, a legend, an image."""
        children = [c for c in self.figure.get_children() if c not in (self.figure.patch, self.axes)]
        if self.axes is not None and self.axes in self.figure.axes:
            children += _added(self.axes)
        return bool(children)

    def is_untouched(self) -> bool:
        """Whether it is as it was made, but for colours: no words, no limits, nothing drawn."""
        if self.is_drawn_on():
            return False
        return self.axes is None or (self.axes in self.figure.axes and _is_as_new(self.axes))


def give(asked: Collection[str], size: tuple[int, int] | None) -> Given:
    """Make what a function asks for, in its declared size (CSS pixels), and watch for figures it makes."""
    import matplotlib
    import matplotlib.pyplot as plt

    figure = axes = None
    if asked:
        inches = (size[0] / 100, size[1] / 100) if size else None
        # A pyplot figure, so that `plt.title()` in a draw(ax) reaches it too.
        figure = plt.figure(figsize=inches, layout="constrained")
        if "ax" in asked:
            axes = figure.subplots()
    # Put back with all rcParams after the drawing.
    matplotlib.rcParams["figure.hooks"] = [*matplotlib.rcParams["figure.hooks"], _HOOK]
    return Given(figure, axes, _made)


def drawn(returned: Any, given: Given, theme: str | None = None) -> tuple[Picture, bool]:
    """Return the picture that a function has made, and whether it is on the figure that it was given.

    A seaborn.objects Plot is made into a figure here, in the colours of `theme` ("light", "dark").
    NotAFigure says what is wrong and what to do where there is none, or where it could be several.
    """
    picture = returned if isinstance(returned, Picture) else Picture(returned)
    nowhere = None
    try:
        figure = named = _led_to(picture.figure, theme)
    except LeadsNowhere as error:
        figure, named, nowhere = None, None, error
    if given.figure is None:
        figure = _left_open(given, nowhere) if figure is None else figure
    elif figure is None or figure is given.figure:
        figure = _of_given(given, figure is not None, nowhere)
    deliberate = picture is returned and picture.alt
    if not deliberate and _is_blank(figure):
        raise nowhere or hints_for_authors.blank()
    if not deliberate and named is None and _is_untouched(figure):
        raise nowhere or NotAFigure(_UNTOUCHED)
    return replace(picture, figure=figure), figure is given.figure


def _led_to(value: Any, theme: str | None) -> Any:
    """Return the figure that `value` leads to, or `value` itself where another encoder takes it."""
    if value is None:
        return None
    encoder = encode.find(value)
    from plotroute.encode.matplotlib.encoder import MatplotlibEncoder
    from plotroute.encode.matplotlib.figures import figure_of

    return figure_of(value, theme) if isinstance(encoder, MatplotlibEncoder) else value


def _left_open(given: Given, nowhere: LeadsNowhere | None) -> Any:
    """Return the one pyplot figure that is open. An empty one beside it was made for nothing."""
    figures = _open_figures()
    if len(figures) > 1:
        figures = [figure for figure in figures if not _is_untouched(figure)] or figures
    if len(figures) == 1:
        return figures[0]
    if figures:
        what = "no figure" if nowhere else "nothing"
        raise NotAFigure(
            f"it left {len(figures)} pyplot figures open and returned {what}, so which is the "
            "picture? Return the one that is (`return fig`)."
        )
    if given.makes_figures:
        raise NotAFigure(_CLOSED)
    raise nowhere or NotAFigure(
        "it returned nothing and left no pyplot figure open. Return the figure (`return fig`)."
    )


def _of_given(given: Given, is_returned: bool, nowhere: LeadsNowhere | None) -> Any:
    """Return the figure that the function was given, or the other one on which it drew instead."""
    others = [f for f in _open_figures() if f is not given.figure and not _is_blank(f)]
    if others:
        if not is_returned and len(others) == 1 and given.is_untouched():
            return others[0]
        if not given.is_drawn_on():
            raise NotAFigure(_ELSEWHERE)
        if not is_returned:
            raise NotAFigure(_ELSEWHERE_TOO)
    elif nowhere and given.is_untouched():
        raise nowhere
    elif given.makes_figures and not is_returned and given.is_untouched():
        raise NotAFigure(_ELSEWHERE)
    return given.figure


def _open_figures() -> list[Any]:
    import matplotlib.pyplot as plt

    return [plt.figure(number) for number in plt.get_fignums()]


def _is_blank(figure: Any) -> bool:
    from matplotlib.figure import Figure

    from plotroute.encode.matplotlib.figures import is_blank

    return isinstance(figure, Figure) and is_blank(figure)


def _is_untouched(figure: Any) -> bool:
    """Whether nothing is on `figure`, or nothing but axes as they were made: no artists, words or limits."""
    from matplotlib.figure import Figure

    if not isinstance(figure, Figure) or _is_blank(figure):
        return isinstance(figure, Figure)
    others = [child for child in figure.get_children() if child not in (figure.patch, *figure.axes)]
    return not others and all(not _added(axes) and _is_as_new(axes) for axes in figure.axes)


def _is_as_new(axes: Any) -> bool:
    """Whether axes have the words and scales of new ones; other kinds (polar, 3D) are taken to differ."""
    from matplotlib.figure import Figure

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

    No colours, spines or grids: rcParams that the function has set make those of new axes differ.
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
