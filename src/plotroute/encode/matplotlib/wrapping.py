"""Break texts that wrap (`wrap=True`) into the same lines at every density and in every format.

Matplotlib breaks a text when it draws it, by the width of its words in whole pixels. So a line that just fits
at 100 dpi may not fit at 200, and high-density screens would show another picture than was laid out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from plotroute.encode.matplotlib.layout_reset import with_subfigures

NARROWER = 0.95
"""Part of the width that lines may take: at another dpi, hinting makes words a few per cent wider."""


def wrapping_texts(figure: Figure, *, narrower: bool) -> list[Any]:
    """Return the texts of `figure` that wrap; with `narrower`, make them wrap a little earlier."""
    texts = [text for text in _texts(figure) if text.get_wrap() and text.get_text() and not text.get_usetex()]
    for text in texts if narrower else ():
        text._get_wrap_line_width = partial(_narrower, text._get_wrap_line_width)
    return texts


def keep_lines(texts: list[Any]) -> None:
    """Keep texts in the lines that they have now, at whatever size or dpi they are drawn.

    The text itself stays as it was: Matplotlib decides by it whether to parse mathtext.
    """
    for text in texts:
        if text._renderer is not None:  # else it is invisible, and in no layout
            text._get_wrapped_text = partial(str, text._get_wrapped_text())


def _narrower(width: Any) -> float:
    return float(NARROWER * width())


def _texts(figure: Any) -> Iterator[Any]:
    for part in with_subfigures(figure):
        yield from part.texts
    for axes in figure.axes:  # those of subfigures too
        yield from (axes.title, axes._left_title, axes._right_title, *axes.texts)
        for axis in axes._axis_map.values():
            yield axis.label
            yield from (tick.label1 for tick in axis.majorTicks)
