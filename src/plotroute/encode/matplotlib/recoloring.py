"""Keep texts readable, and lines and marks visible, under a theme: compare each with its background.

A theme's colours are set before the author's function runs, and the function may set other colours: its own
paper under the theme's ink, black lines on the theme's dark paper. No table of settings tells which colours
will meet. So each text is compared with the pixels that are there when it is drawn, and gets another colour
if it cannot be read on them. That needs no second drawing: the pixels are those of the picture itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from io import BytesIO
from math import sqrt
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import Collection, LineCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.quiver import QuiverKey
from matplotlib.text import Annotation, Text

from plotroute.encode.matplotlib import contrast
from plotroute.encode.matplotlib.backgrounds import behind_mark, behind_text, is_projected
from plotroute.encode.matplotlib.contrast import READABLE, RGB, SEEN, TOLERATED, Luminances
from plotroute.encode.matplotlib.replaced import replaced
from plotroute.encode.matplotlib.theme import RC, TWINS

REHEARSAL = 72
"""Pixels per inch of the drawing before an SVG or PDF, which only shows what is behind each text."""

LEAST_REHEARSAL = 12
"""Least pixels per inch of that drawing: below, a glyph of 10 pt has no size (FreeType refuses half a pixel),
and nothing is compared."""

MOST_COLORS = 1000
"""Most marks of a group whose single colours are compared: the colours of more marks are data."""

Change = tuple[Callable[[Any], None], Any, RGB, bool]
"""The setter of a mark's colour, its colour, the colour that it may get, whether that is a twin."""


@contextmanager
def keep_visible(figure: Figure, theme: str | None, own_paper: str = "white") -> Iterator[None]:
    """Give texts and marks that cannot be seen another colour, while the body draws `figure` with Agg.

    The artists keep the new colours, so a drawing by another backend that follows has them.

    Args:
        figure: The figure that the body draws.
        theme: "light" or "dark"; None changes and compares nothing.
        own_paper: The axes' background in the author's own rcParams, for which hard-coded greys were chosen.
    """
    if theme is None:
        yield
        return
    painter = _Painter(theme, own_paper)
    draw_text: Any = Text.draw

    @wraps(draw_text)
    def look_and_draw(self: Text, renderer: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_drawing(renderer):
            painter.look_at_text(self, renderer)
        return draw_text(self, renderer, *args, **kwargs)

    marks = [(mark, changes) for mark in _marks(figure) if (changes := painter.changes(mark))]
    for mark, changes in marks:
        mark.draw = partial(painter.draw_mark, mark, changes)  # type: ignore[method-assign]
    try:
        with replaced(Text, draw=look_and_draw):  # annotations and the texts of 3D axes call this method too
            yield
    finally:
        for mark, _ in marks:
            vars(mark).pop("draw", None)


def rehearse(figure: Figure, max_pixels: int) -> None:
    """Draw `figure` with Agg inside `keep_visible`: the next backend has no pixels to compare with."""
    width, height = figure.get_size_inches()
    dpi = min(REHEARSAL, sqrt(max_pixels / (width * height)))
    if dpi >= LEAST_REHEARSAL:
        figure.savefig(BytesIO(), format="rgba", backend="agg", dpi=dpi)


def _is_drawing(renderer: Any) -> bool:
    """Whether the renderer makes pixels: to measure a figure, it is "drawn" with drawing switched off."""
    return isinstance(renderer, RendererAgg) and "draw_path" not in vars(renderer)


class _Painter:
    """Recolours what meets the wrong background, in the colours of a theme."""

    def __init__(self, theme: str, own_paper: str) -> None:
        self._paper = to_rgb(RC[theme]["figure.facecolor"])
        self._ink = to_rgb(RC[theme]["text.color"])
        self._inks = [to_rgb(rc["text.color"]) for rc in RC.values()]
        self._meant_on = to_rgb(own_paper)
        self._twins = {_bytes(to_rgb(one)): to_rgb(other) for one, other in TWINS[theme].items()}
        light, dark = sorted((self._paper, self._meant_on), key=contrast.luminance, reverse=True)
        self._is_turned = contrast.contrast(contrast.luminance(light), contrast.luminance(dark)) > READABLE
        self._known: dict[tuple[int, ...], tuple[RGB, bool] | None] = {}

    def look_at_text(self, text: Text, renderer: Any) -> None:
        """Give `text` a colour that can be read on its background, if its own cannot."""
        if not text.get_visible() or not text.get_text().strip():
            return
        red, green, blue, alpha = to_rgba(text.get_color())
        if alpha == 0 or text.get_alpha() == 0:
            return
        behind = behind_text(text, renderer, self._paper)
        if behind is not None:
            # At full opacity: a text that its author made transparent is a watermark, and stays a watermark.
            color = contrast.readable((red, green, blue), behind, self._inks)
            if color is not None:
                text.set_color((*color, alpha))

    def changes(self, mark: Artist) -> list[Change]:
        """Return which colours of `mark` may have to change on some backgrounds. Nothing is drawn."""
        figure: Any = mark.get_figure(root=True)
        ground = to_rgba(mark.axes.get_facecolor()) if mark.axes else (0.0, 0.0, 0.0, 0.0)
        if ground[3] == 0:
            ground = to_rgba(figure.get_facecolor() if figure else self._paper)
        on_theme = _bytes(ground) == _bytes(self._paper)
        changes: list[Change] = []
        for setter, colors, is_area in _colors(mark):
            wide = is_area and isinstance(mark, Patch)
            found = [self._becomes(color, single=len(colors) == 1, area=wide) for color in colors]
            # Greys were chosen for other paper than the theme's; the theme's colours, only for its own paper.
            if len(found) == 1 and found[0] and found[0][1] != on_theme:
                changes.append((setter, colors[0], *found[0]))
            elif len(found) > 1 and not on_theme and any(found):
                new = [(*f[0], c[3]) if f else tuple(c) for f, c in zip(found, colors, strict=True)]
                color, (twin, _) = next((c, f) for f, c in zip(found, colors, strict=True) if f)
                changes.append((partial(_set_all, setter, new), color, twin, True))
            elif is_area:
                break  # it can be seen as it is, so its edge may have any colour
        return changes

    def _becomes(self, color: Sequence[float], single: bool, area: bool) -> tuple[RGB, bool] | None:
        key = (*_bytes(color), round(color[3] * 255), single, area)
        if key not in self._known:
            twin = self._twins.get(key[:3])
            grey = None
            if twin is None and single and self._is_turned:
                rgb = (float(color[0]), float(color[1]), float(color[2]))
                papers = self._meant_on, self._paper
                grey = contrast.mirrored(rgb, color[3], *papers, self._ink, area=area)
            self._known[key] = (twin, True) if twin else (grey, False) if grey else None
        return self._known[key]

    def draw_mark(self, mark: Any, changes: list[Change], renderer: Any, *args: Any, **kwargs: Any) -> Any:
        """Draw `mark`, in other colours if it could not be seen."""
        if _is_drawing(renderer) and mark.get_visible():
            behind = behind_mark(mark, renderer, self._paper)
            for setter, color, new, is_twin in changes:
                better = self._better(color, new, behind, READABLE if is_twin else SEEN, is_twin)
                if better is not None:
                    setter((*better, color[3]))
            changes.clear()
        return type(mark).draw(mark, renderer, *args, **kwargs)

    def _better(self, color: Any, new: RGB, behind: Luminances, enough: float, is_twin: bool) -> RGB | None:
        """Return the colour in which more of a mark is seen: `new`, or a grey between `new` and the paper."""

        def unseen(one: Any) -> float:
            return round(float((contrast.contrast(contrast.luminance(one), behind) < enough).mean()), 2)

        before = unseen(color)
        if before <= TOLERATED:
            return None
        parts = (1.0,) if is_twin else np.linspace(1.0, 0.3, 8)
        best = min((contrast.blend(new, self._paper, part) for part in parts), key=unseen)
        return best if unseen(best) < before else None


def _marks(artist: Any) -> Iterator[Artist]:
    """Yield lines, patches and collections that show data: no backgrounds, no parts of an axis."""
    background = artist.get_frame() if isinstance(artist, Legend) else getattr(artist, "patch", None)
    for child in artist.get_children():
        if child is background or isinstance(child, Axis):
            continue
        if isinstance(child, Line2D | Patch | Collection):
            yield child
        elif isinstance(child, Annotation) and child.arrow_patch is not None:
            yield child.arrow_patch
        elif isinstance(child, QuiverKey):
            yield child.vector  # type: ignore[attr-defined]
        elif not isinstance(child, Text):
            yield from _marks(child)


def _colors(mark: Any) -> Iterator[tuple[Callable[[Any], None], Any, bool]]:
    """Yield the setter of each visible colour of `mark`, the colours, and whether they fill an area.

    An area comes before its edge.
    """
    if isinstance(mark, Line2D):
        if mark.get_linestyle() not in ("None", "none", " ", "") and mark.get_linewidth() > 0:
            yield mark.set_color, [_with_alpha(mark.get_color(), mark)], False
        if mark.get_marker() not in ("None", "none", None, " ", ""):
            face = _with_alpha(mark.get_markerfacecolor(), mark)
            if face[3] > 0:
                yield mark.set_markerfacecolor, [face], True
            edge = _with_alpha(mark.get_markeredgecolor(), mark)
            if edge[3] > 0 and mark.get_markeredgewidth() > 0:
                yield mark.set_markeredgecolor, [edge], False
    elif isinstance(mark, Patch):
        face, edge = to_rgba(mark.get_facecolor()), to_rgba(mark.get_edgecolor())
        if mark.get_fill() and face[3] > 0:
            yield mark.set_facecolor, [face], True
        if edge[3] > 0 and mark.get_linewidth() > 0:
            yield mark.set_edgecolor, [edge], False
    elif mark.get_array() is None and (isinstance(mark, LineCollection) or not is_projected(mark)):
        if (faces := _unique(mark.get_facecolor())) is not None:
            yield mark.set_facecolor, faces, True
        if max(mark.get_linewidth(), default=0) > 0 and (edges := _unique(mark.get_edgecolor())) is not None:
            yield mark.set_edgecolor, edges, False


def _set_all(setter: Callable[[Any], None], colors: Sequence[Any], _: Any) -> None:
    setter(colors)


def _with_alpha(color: Any, mark: Artist) -> tuple[float, float, float, float]:
    alpha: Any = mark.get_alpha()
    return to_rgba(color, alpha) if color is not None and str(color) != "none" else (0.0, 0.0, 0.0, 0.0)


def _unique(colors: Any) -> Any:
    """Return the colours of a group: one if all are the same; None if nothing is visible."""
    if not 0 < len(colors) <= MOST_COLORS or not (colors[:, 3] > 0).any():
        return None
    return colors[:1] if (colors == colors[0]).all() else colors


def _bytes(color: Sequence[float]) -> tuple[int, int, int]:
    return round(color[0] * 255), round(color[1] * 255), round(color[2] * 255)
