"""The built-in ad-hoc plots: a plots file like any author's, handed in by name (`serve/config.py`)."""

from typing import Annotated, Any

from pydantic import Field

from plotroute import Plots, Values
from plotroute.errors import InvalidParameters, ParameterError

plots = Plots()
plots.registry.adhoc = True

CHUNK = 1_000
"""Points of a line that Matplotlib draws at once. As one path, 100,000 points in no order take 1.5 GB of the
memory that a drawing may use. In pieces of this size they take 90 MB and 5 s, and only the pixels at the
joints of the pieces differ."""

# A title that fits on one line of a picture, and labels that fit beside it.
Text = Annotated[str, Field(max_length=200)]


@plots.plot("/plot.png", aliases=["/<x>/<y>/plot.png"], title="Line", ttl="forever")
def line(
    ax: Any,
    x: Annotated[Values | None, Field(description="Numbers, dates, or the name of a source.")] = None,
    y: Annotated[Values | None, Field(description="As many values as x has.")] = None,
    title: Text = "",
    xlabel: Text = "",
    ylabel: Text = "",
) -> None:
    """Draw a line through the points of the query: x=1,2,3,4&y=100,200,300,400."""
    xs: Any = x
    ys: Any = y
    if xs is None and ys is None:
        _how_to_ask(ax)
        return
    if ys is None:
        raise _wrong("missing", "give as many values as x has, such as y=100,200,300")
    if xs is None:
        xs = range(len(ys))
    if len(xs) != len(ys):
        raise _wrong("conflict", f"x has {len(xs)} values and y has {len(ys)}; a line needs as many of both")
    # Imported here, because a web worker may load these plots and draws none of them. Matplotlib reads the
    # value when it draws, and the value is put back before the next picture.
    from matplotlib import rcParams

    rcParams["agg.path.chunksize"] = CHUNK
    # A line through a single point has no length and would be invisible.
    ax.plot(xs, ys, marker="o" if _is_one_place(xs, ys) else None)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)


def _is_one_place(xs: Any, ys: Any) -> bool:
    return len(ys) > 0 and all(x == xs[0] for x in xs) and all(y == ys[0] for y in ys)


def _wrong(code: str, message: str) -> InvalidParameters:
    return InvalidParameters([ParameterError("y", code, message)])


def _how_to_ask(ax: Any) -> None:
    ax.set_axis_off()
    ax.text(0.5, 0.62, "Ask for a line like this:", ha="center", fontsize="large")
    ax.text(0.5, 0.48, "/plot.png?x=1,2,3,4&y=100,200,300,400", ha="center", family="monospace")
    ax.text(0.5, 0.34, "x and y may also name sources of values.", ha="center", color="0.4")
