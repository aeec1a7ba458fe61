"""What a plot function returned instead of a picture, and what its author should return.

Told by names of types, so that no library is imported for it.
"""

from __future__ import annotations

import inspect
from pathlib import PurePath
from types import ModuleType
from typing import Any

from plotroute.encode.base import NotAFigure

_LIBRARIES = {
    "altair": "an Altair chart",
    "bokeh": "a Bokeh figure",
    "holoviews": "a HoloViews element",
    "lets_plot": "a lets-plot chart",
    "plotly": "a Plotly figure",
    "plotnine": "a plotnine ggplot",
    "pygal": "a Pygal chart",
    "pyecharts": "a pyecharts chart",
}

_FRAMES = ("pandas", "polars", "pyarrow", "dask", "modin", "geopandas", "xarray")


def refusal(value: Any) -> NotAFigure:
    """Return the error for a value in which there is no picture."""
    return NotAFigure(_words(value))


def several(number: int) -> NotAFigure:
    """Return the error for a value in which there are several figures."""
    return NotAFigure(
        f"the plot returned {number} figures, and a URL shows one: return one of them, draw them as "
        "axes of one figure (`fig, axs = plt.subplots(1, 2)`), or make each a plot of its own"
    )


def _words(value: Any) -> str:
    kind = type(value)
    library = (kind.__module__ or "").partition(".")[0]
    if value is None:
        return (
            "the plot returned nothing and left no figure open: return the figure (`return fig`), and leave "
            "out `plt.close()` and `plt.show()`"
        )
    if library in _LIBRARIES:
        return (
            f"the plot returned {_LIBRARIES[library]}, which is not supported yet: return a Matplotlib figure"
        )
    running = _running(value)
    if running:
        return running
    if isinstance(value, ModuleType):
        return f"the plot returned the module {value.__name__}: return the figure (`return plt.gcf()`)"
    if isinstance(value, str | PurePath):
        return "the plot returned a text or a file name: return the figure itself (`return fig`)"
    return _words_of_data(value, kind, library)


def _running(value: Any) -> str:
    """What to say of code that was handed over instead of its result."""
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        return "the plot is a generator (it has a `yield`): return the figure instead"
    if inspect.iscoroutine(value):
        value.close()  # or Python warns that nobody awaited it
        return "the plot is a coroutine: write `def`, not `async def`, and return the figure"
    if inspect.isroutine(value) or inspect.isclass(value):
        name = getattr(value, "__name__", "it")
        return f"the plot returned {name} itself: call it and return the figure (`return {name}(…)`)"
    return ""


def _words_of_data(value: Any, kind: type, library: str) -> str:
    if library == "numpy" and hasattr(value, "ndim") and getattr(value, "ndim", 0) > 0:
        return "the plot returned an array of numbers: draw it (`plt.imshow(array)`) and return the figure"
    if library in _FRAMES:
        return f"the plot returned a {kind.__name__}: draw it and return that (`return df.plot()`)"
    if hasattr(value, "status_code") and hasattr(value, "headers"):
        return (
            f"the plot returned a web response ({kind.__name__}): return the figure, or the bytes of the "
            "picture (`return buffer.getvalue()`); plotroute makes the response"
        )
    if hasattr(value, "_draw_frame") or hasattr(value, "to_jshtml"):
        return "the plot returned an animation, and a picture stands still: return its figure"
    if type(value).__module__.startswith("matplotlib"):
        return f"the plot returned a {kind.__name__} that is in no figure: return the figure (`return fig`)"
    if isinstance(value, bool | int | float | complex) or library == "numpy":
        return f"the plot returned a number ({value!r:.40}): draw something and return the figure"
    if isinstance(value, dict | list | tuple | set):
        return (
            f"the plot returned a {kind.__name__} without a figure in it: draw something "
            "(`fig, ax = plt.subplots()`) and return the figure"
        )
    return (
        f"the plot returned a {kind.__module__}.{kind.__name__}, which leads to no figure: return a "
        "Matplotlib figure or axes, a seaborn plot, or the bytes of a finished picture"
    )
