"""Find the figure that a return value of a plot function leads to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.artist import Artist
from matplotlib.container import Container
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text

from plotroute.encode.hints_for_authors import refusal, several
from plotroute.encode.matplotlib.theme import RC

MOST_ITEMS = 10_000
"""Most members of a container that are searched: a return value is a handful of axes, not a data set."""

MOST_DEPTH = 4
"""Most levels of containers in containers: `(fig, {"left": [ax, ax]})` has two."""

_themes: WeakKeyDictionary[Figure, Mapping[str, Any]] = WeakKeyDictionary()


def figure_of(value: Any, theme: str | None = None) -> Figure:
    """Return the Matplotlib figure that `value` leads to.

    A seaborn.objects Plot is compiled here, without pyplot. Colours that the author set by the Plot's own
    method `theme()` win over those of `theme`.

    Args:
        value: A figure, axes, an artist, a container of them, or a seaborn plot.
        theme: "light" or "dark", for a seaborn.objects Plot.

    Raises:
        NotAFigure: The value leads to no figure, or to several.

    >>> figure_of([ax.plot(x, y), ax.legend()]) is ax.figure
    True
    """
    found: dict[int, Figure] = {}
    for leaf in leaves(value):
        figure = _root(leaf, theme)
        if figure is not None:
            found[id(figure)] = figure
    if not found:
        raise refusal(value)
    if len(found) > 1:
        raise several(len(found))
    return next(iter(found.values()))


def is_blank(figure: Figure) -> bool:
    """Whether nothing at all is on `figure`: no axes, texts, images, legends or other artists."""
    return not any(_shows(child) for child in figure.get_children() if child is not figure.patch)


def _shows(artist: Artist) -> bool:
    if isinstance(artist, SubFigure):
        return any(_shows(child) for child in artist.get_children() if child is not artist.patch)
    return not isinstance(artist, Text) or bool(artist.get_text())


def theme_of(figure: Figure) -> Mapping[str, Any]:
    """Return the rcParams that a seaborn.objects Plot wants while it is drawn, its ticks being made then."""
    return _themes.get(figure, {})


def anchor_legends(figure: Figure) -> None:
    """Anchor the legends of `figure` to the figure, so that `bbox_inches` does not move them.

    Matplotlib places legends by `figure.bbox`, which savefig sets to the box to show. seaborn places them by
    the former `figure.bbox`, so they would stay behind.
    """
    for legend in figure.legends:
        box = legend.get_bbox_to_anchor().transformed(figure.transFigure.inverted())
        legend.set_bbox_to_anchor(box, figure.transFigure)


def leaves(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield parts of `value` that may lead to a figure: artists, seaborn.objects plots. Nothing is drawn."""
    if isinstance(value, Artist) or _is_seaborn_plot(value):
        yield value
    elif depth <= MOST_DEPTH:
        members = _members(value)
        if members is None:
            yield from _attached(value)
        else:
            for number, member in enumerate(members):
                if number >= MOST_ITEMS:
                    return
                yield from leaves(member, depth + 1)


def _members(value: Any) -> Iterable[Any] | None:
    """Return the members of a container; None if `value` is no container."""
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, Container | list | tuple | set | frozenset):
        return value
    if isinstance(value, np.ndarray):
        return value.flat if value.dtype == object else ()
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.Series):
        return value.to_list() if value.dtype == object else ()
    return None


_KNOWN_BY = (
    "figure_",
    "figure",
    "fig",
    "ax_",
    "ax",
    "axes_",
    "axes",
    "axes_all",
    "wedges",
    "lines",
    "patches",
    "patch",
)
"""Attributes by which results name what they drew on, the surest first: a grid's figure, the `figure_` of a
scikit-learn display, a colorbar's axes, a pie's wedges."""


def _attached(value: Any) -> Iterator[Artist]:
    """Yield the artist that an object has as one of these attributes, if any."""
    if isinstance(value, type | str | bytes | int | float | np.generic) or value is None:
        return
    for name in _KNOWN_BY:
        try:
            found = getattr(value, name, None)
        except Exception:  # a property of a foreign object may raise anything
            continue
        for _ in range(2):  # the first of an array of arrays of axes
            members = _members(found)
            found = found if members is None else next(iter(members), None)
        if isinstance(found, Artist):
            yield found
            return


def _is_seaborn_plot(value: Any) -> bool:
    module = sys.modules.get("seaborn._core.plot")
    return module is not None and isinstance(value, module.Plot | module.Plotter)


def _root(leaf: Any, theme: str | None) -> Figure | None:
    """Return the figure of an artist, or of a seaborn.objects Plot, which is drawn; None if it has none."""
    if isinstance(leaf, Artist):
        figure = leaf.get_figure(root=True)
        return figure if isinstance(figure, Figure) else None
    if hasattr(leaf, "plot") and theme is not None:
        # A Plot has rcParams of its own, seaborn's defaults, which would hide ours.
        leaf = leaf.theme({**RC[theme], **getattr(leaf, "_theme", {})})
    plotter = leaf.plot(pyplot=False) if hasattr(leaf, "plot") else leaf
    root: Figure = plotter._figure.get_figure(root=True)
    # Its legend stands beside the figure: seaborn shows a Plot by its tight box.
    anchor_legends(root)
    _themes[root] = {**plotter._theme, "savefig.bbox": "tight"}
    return root
