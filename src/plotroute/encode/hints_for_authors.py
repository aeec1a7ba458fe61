"""Say what a plot function returned instead of a picture, and what its author should return.

Values are recognised by the names of their types, so that no library is imported for it.
"""

from __future__ import annotations

import inspect
import re
import traceback
from io import StringIO
from pathlib import PurePath
from types import ModuleType
from typing import Any

from plotroute.encode.base import LeadsNowhere, NotAFigure

_LIBRARIES = {
    "altair": (
        "an Altair chart",
        'write `buffer = io.BytesIO(); chart.save(buffer, format="png"); return buffer`, which takes '
        "vl-convert-python",
    ),
    "bokeh": ("a Bokeh figure", ""),
    "folium": ("a Folium map, which is a web page", ""),
    "graphviz": (
        "a Graphviz graph",
        'return its SVG (`return graph.pipe(format="svg")`), for which --allow-processes allows a process',
    ),
    "holoviews": ("a HoloViews element", 'write `return hv.render(element, backend="matplotlib")`'),
    "lets_plot": (
        "a lets-plot chart",
        "write `buffer = io.BytesIO(); chart.to_svg(buffer); return buffer`",
    ),
    "plotly": (
        "a Plotly figure",
        'return its bytes (`return fig.to_image(format="png")`), which takes kaleido, and --allow-processes '
        "for the browser that it starts",
    ),
    "plotnine": ("a plotnine ggplot", "return its Matplotlib figure (`return p.draw()`)"),
    "pydeck": ("a pydeck map, which is a web page", ""),
    "pyecharts": ("a pyecharts chart, which is a web page", ""),
    "pygal": ("a Pygal chart", "return its SVG (`return chart.render()`)"),
}
"""Package → the name of its charts, and how an author makes a picture of a chart."""

_NO_WAY = "draw it with Matplotlib and return the figure"

_MOST_MEMBERS = 100
"""Members of a container in which a chart is searched: a return value has a handful."""

_MOST_DEPTH = 1
"""Levels of containers in containers in which a chart is searched: `{"left": [chart]}`."""

_FRAMES = ("pandas", "polars", "pyarrow", "dask", "modin", "geopandas", "xarray")

_DRAWN_BY = {
    "polars": "df.to_pandas().plot()",  # its own `plot` makes Altair charts
    "pyarrow": "table.to_pandas().plot()",
    "xarray.Dataset": 'dataset["name"].plot()',
    "pandas.Styler": "styler.data.plot()",
}
"""Library, or a type of it → code that draws its data, where that is not `df.plot()`."""

_SHOWN_BY = ("_repr_svg_", "_repr_png_", "_repr_jpeg_")
"""Methods by which an object shows itself as a picture in a notebook."""

_RESPONSES = ("jsonify", "make_response", "redirect", "render_template", "send_file", "send_from_directory")
"""Functions of Flask's that make a response; some of them fail without a request."""

_BASE64 = re.compile(r"\s*(data:image/[\w.+-]+;base64,|iVBORw0KGgo|/9j/|UklGR|PHN2Z|PD94bWwg|JVBERi0)")
"""First letters of a picture in base64: of a data URI, or of a PNG, JPEG, WebP, SVG or PDF."""


def refusal(value: Any) -> NotAFigure:
    """Return the error for a value without a picture; LeadsNowhere if it is not meant as a picture."""
    words = _running(value) or _of_another_kind(value)
    return NotAFigure(words) if words else LeadsNowhere(_words_of_data(value))


def several(number: int) -> NotAFigure:
    """Return the error for a value in which there are several figures."""
    return NotAFigure(
        f"the plot returned {number} figures, and a URL shows one: return one of them, draw them as "
        "axes of one figure (`fig, axs = plt.subplots(1, 2)`), or make each a plot of its own"
    )


def blank() -> NotAFigure:
    """Return the error for a figure on which there is nothing."""
    return NotAFigure(
        "the figure is empty: it has no axes, no text and no image. Return it before `plt.clf()`, or return "
        "the bytes that it was saved to (`return buffer`). If it is meant to be blank, say what that means: "
        '`return Picture(fig, alt="no orders yet")`'
    )


def of_error(error: BaseException) -> NotAFigure | None:
    """Return the error to report instead, if a plot function raised `error` by making a web response."""
    if not (isinstance(error, RuntimeError) and str(error).startswith("Working outside of")):
        return None
    called = {frame.name for frame in traceback.extract_tb(error.__traceback__) if "flask" in frame.filename}
    maker = next((name for name in _RESPONSES if name in called), None)
    return NotAFigure(_response(f"makes a web response with {maker}()")) if maker else None


def _response(what: str) -> str:
    return (
        f"the plot {what}: return the figure, or the bytes of the picture (`return buffer.getvalue()`); "
        "plotroute makes the response"
    )


def _of_another_kind(value: Any) -> str:
    """Return the hint for a value that is meant as the picture, but cannot be shown; "" for other values."""
    kind = type(value)
    if chart := _chart(value):
        return chart
    if isinstance(value, ModuleType):
        if value.__name__ in ("matplotlib.pyplot", "matplotlib.pylab", "pylab"):
            return ""  # it only says that there is a current figure
        return f"the plot returned the module {value.__name__}: return the figure (`return plt.gcf()`)"
    if isinstance(value, str | StringIO | PurePath):
        return _words_of_text(value)
    if hasattr(value, "status_code") and hasattr(value, "headers"):
        return _response(f"returned a web response ({kind.__name__})")
    if hasattr(value, "_draw_frame") or hasattr(value, "to_jshtml"):
        return "the plot returned an animation, and a picture stands still: return its figure"
    if kind.__module__.startswith("shap.plots._force"):
        return (
            "the plot returned SHAP's interactive force plot, which is a web page: call it with "
            "`matplotlib=True, show=False` and return that"
        )
    way = next((name for name in _SHOWN_BY if callable(getattr(value, name, None))), None)
    if way and not kind.__module__.startswith("matplotlib"):
        return (
            f"the plot returned {_name(kind)}, which is no figure but has a picture: `return value.{way}()`"
        )
    return ""


def _chart(value: Any, depth: int = 0) -> str:
    """Return the hint for another library's chart, or for a container with a chart in it."""
    members = list(value.values()) if isinstance(value, dict) else value
    if isinstance(members, list | tuple):
        if depth > _MOST_DEPTH:
            return ""
        return next(filter(None, (_chart(member, depth + 1) for member in members[:_MOST_MEMBERS])), "")
    library = (type(value).__module__ or "").partition(".")[0]
    if library not in _LIBRARIES:
        return ""
    name, cure = _LIBRARIES[library]
    return f"the plot returned {name}, which is not supported yet: {cure or _NO_WAY}"


def _words_of_text(value: str | StringIO | PurePath) -> str:
    text = value.getvalue() if isinstance(value, StringIO) and not value.closed else str(value)
    if _BASE64.match(text):
        return (
            "the plot returned a picture as base64 text: return the bytes themselves "
            "(`return buffer.getvalue()`), without b64encode"
        )
    if text.lstrip()[:200].lower().startswith(("<!doctype html", "<html", "<div", "<img")):
        return "the plot returned HTML: return the figure, or the bytes of a picture"
    if isinstance(value, StringIO):
        return (
            "the plot returned a StringIO without an SVG in it: write pictures to `io.BytesIO()`, or return "
            "the figure"
        )
    return "the plot returned a text or a file name: return the figure itself (`return fig`)"


def _running(value: Any) -> str:
    """Return the hint for code that was returned instead of its result."""
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        return "the plot is a generator (it has a `yield`): return the figure instead"
    if inspect.iscoroutine(value):
        value.close()  # or Python warns that it was never awaited
        return "the plot is a coroutine: write `def`, not `async def`, and return the figure"
    if type(value).__name__.endswith("PlotAccessor"):  # of pandas and xarray
        return "the plot returned df.plot itself: call it (`return df.plot()`)"
    if inspect.isroutine(value) or inspect.isclass(value):
        name = getattr(value, "__name__", "it")
        return f"the plot returned {name} itself: call it and return the figure (`return {name}(…)`)"
    return ""


def _words_of_data(value: Any) -> str:
    """Return the hint for a value that is not meant as a picture, if there is no open figure either."""
    kind = type(value)
    library = (kind.__module__ or "").partition(".")[0]
    if isinstance(value, ModuleType):
        return (
            f"the plot returned the module {value.__name__}, and there is no open figure: draw something and "
            "return the figure (`return plt.gcf()`)"
        )
    if value is None:
        return (
            "the plot returned nothing and left no figure open: return the figure (`return fig`), and leave "
            "out `plt.close()` and `plt.show()`"
        )
    if library == "numpy" and hasattr(value, "ndim") and getattr(value, "ndim", 0) > 0:
        return "the plot returned an array of numbers: draw it (`plt.imshow(array)`) and return the figure"
    if library in _FRAMES:
        drawn = _DRAWN_BY.get(f"{library}.{kind.__name__}") or _DRAWN_BY.get(library, "df.plot()")
        return f"the plot returned a {kind.__name__}: draw it and return that (`return {drawn}`)"
    if library == "matplotlib":
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        return (
            f"the plot returned {article} {kind.__name__} that is in no figure: return the figure "
            "(`return fig`)"
        )
    if library == "networkx":
        return f"the plot returned a {kind.__name__}: draw it (`nx.draw(graph, ax=ax)`), and return its axes"
    if isinstance(value, bool | int | float | complex) or library == "numpy":
        return f"the plot returned a number ({value!r:.40}): draw something and return the figure"
    if isinstance(value, dict | list | tuple | set):
        return (
            f"the plot returned a {kind.__name__} without a figure in it: draw something "
            "(`fig, ax = plt.subplots()`) and return the figure"
        )
    if callable(getattr(value, "to_image", None)):  # a word cloud, which may have been drawn by imshow
        return f"the plot returned {_name(kind)}, which makes a picture of itself: `return value.to_image()`"
    if callable(getattr(value, "plot", None)):
        return f"the plot returned {_name(kind)} that was not drawn: draw it (`return value.plot()`)"
    return (
        f"the plot returned {_name(kind)}, which leads to no figure: return a "
        "Matplotlib figure or axes, a seaborn plot, or the bytes of a finished picture"
    )


def _name(kind: type) -> str:
    return f"a {kind.__module__}.{kind.__qualname__}"
