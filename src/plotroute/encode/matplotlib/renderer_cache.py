"""Keep one renderer to measure a figure with: seaborn's heatmap makes 60 for 60 labels, 3.5 MB each."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from plotroute.encode.matplotlib.replaced import replaced

_READ_IN = ("3.11.",)
"""Versions of Matplotlib whose `Figure._get_renderer` was read."""


@contextmanager
def keep_renderers() -> Iterator[None]:
    """Measure a `Figure()` with one renderer as long as its size is the same, while the body runs.

    A pyplot figure has an Agg canvas, which keeps its renderer. A figure without such a canvas pretends to be
    saved when the extent of a text is read, and jumps out by an exception, which holds the new renderer until
    garbage is collected: 200 MB for a heatmap, and half of its time. Only versions of Matplotlib that are
    known are changed, and for the whole process meanwhile.
    """
    import matplotlib
    from matplotlib.backend_bases import FigureCanvasBase, get_registered_canvas_class
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if not matplotlib.__version__.startswith(_READ_IN):
        yield
        return
    figures: Any = importlib.import_module("matplotlib.figure")
    make = figures._get_renderer
    kept: WeakKeyDictionary[Any, tuple[Any, Any]] = WeakKeyDictionary()

    def get_renderer(figure: Any, print_method: Any = None) -> Any:
        is_plain = type(figure.canvas) is FigureCanvasBase and print_method is None
        if not is_plain or get_registered_canvas_class("png") is not FigureCanvasAgg:
            return make(figure, print_method)
        size = (*figure.bbox.size, figure.dpi)  # as FigureCanvasAgg.get_renderer has it
        of_size, renderer = kept.get(figure, (None, None))
        if of_size != size:
            renderer = make(figure)
            kept[figure] = size, renderer
        return renderer

    with replaced(figures, _get_renderer=get_renderer):
        yield
