"""Which picture a plot function has made, seen through `plots.draw`: what returned, asked for, or left open."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import altair
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
import plotnine
import polars
import pyarrow
import pytest
import scipy.cluster.hierarchy
import scipy.stats
import seaborn as sns
import seaborn.objects as so
import xarray as xr
from flask import jsonify, send_file
from matplotlib.figure import Figure
from matplotlib.sankey import Sankey
from mpl_toolkits.axes_grid1 import ImageGrid
from PIL import Image
from wordcloud import WordCloud

from encode.pngs import content
from plotroute import Picture, Plots
from plotroute.errors import PlotFailed

# seaborn 0.13 still says `copy=`, which pandas 3 has no use for.
pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")

FRAME = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [2.0, 1, 4, 3], "who": list("abab")})
GRID = xr.DataArray(np.arange(24.0).reshape(2, 3, 4), dims=("time", "y", "x"))

plots = Plots()


@plots.plot
def golden(ax: Any) -> None:
    ax.plot([1, 3, 2])
    ax.set_title("golden")


@pytest.fixture(autouse=True)
def _small_pictures(matplotlib_as_installed: None) -> None:
    plt.rcParams["figure.figsize"], plt.rcParams["figure.dpi"] = (3, 2), 50


@pytest.fixture(scope="module", autouse=True)
def _the_next_picture_is_as_ever() -> Any:
    before = plots.draw("golden").body
    yield
    assert plots.draw("golden").body == before


def draw(function: Callable[..., Any], **options: Any) -> bytes:
    """Draw `function` as a plot of its own, and return the bytes that its URL gives."""
    own = Plots.__new__(Plots)
    own.__dict__.update(plots.__dict__, registry=type(plots.registry)(plots.registry.root))
    own.plot("it", **options)(function)
    return own.draw("it").body


def failure(function: Callable[..., Any]) -> str:
    """Return what the author is told."""
    with pytest.raises(PlotFailed) as raised:
        draw(function)
    assert raised.value.title == "The plot did not return a picture"
    return raised.value.detail.removeprefix("it: ")


def script(function: Callable[..., Any]) -> bytes:
    """Return what a script saves that calls `function` and then `plt.savefig`."""
    plt.close("all")
    function()
    file = io.BytesIO()
    plt.savefig(file, format="png")
    plt.close("all")
    return file.getvalue()


def line() -> Any:
    return FRAME.plot(x="x", y="y")


def chart() -> Any:
    return altair.Chart(FRAME).mark_line().encode(x="x:Q", y="y:Q")


# --- a function that asked for axes, and drew elsewhere ---------------------------------------------------


ELSEWHERE: dict[str, Callable[[], Any]] = {
    "pandas": line,
    "seaborn": lambda: sns.relplot(FRAME, x="x", y="y"),
    "several axes": lambda: FRAME[["x", "y"]].hist(),
    "pyplot": lambda: plt.figure() and plt.plot([1, 2]),
    "an empty figure beside it": lambda: plt.figure(figsize=(3, 3)) and line(),
    "xarray": lambda: GRID.plot(col="time"),
    "networkx": lambda: plt.figure(figsize=(3, 3)) and nx.draw_circular(nx.path_graph(3)),
}


@pytest.mark.parametrize("way", ELSEWHERE)
@pytest.mark.parametrize("returns", [True, False])
def test_what_was_drawn_elsewhere_is_the_picture(way: str, returns: bool) -> None:
    def it(ax: Any) -> Any:
        returned = ELSEWHERE[way]()
        return returned if returns else None

    assert content(draw(it)) == content(script(ELSEWHERE[way]))


@pytest.mark.parametrize(
    "on_ours",
    [
        lambda ax: ax.set_title("sales"),
        lambda ax: ax.set_xlim(0, 9),
        lambda ax: ax.set(ylabel="sales"),
        lambda ax: ax.set_yscale("log"),
        lambda ax: ax.set_xticks([1, 2]),
        lambda ax: ax.set_axis_off(),
    ],
)
def test_words_here_and_drawing_there_is_told(on_ours: Callable[[Any], Any]) -> None:
    def it(ax: Any) -> None:
        on_ours(ax)
        line()

    assert "a figure of its own" in failure(it)
    assert "pass ax=ax" in failure(it)


def test_axes_that_are_returned_empty_are_told() -> None:
    def it(ax: Any) -> Any:
        line()
        return ax

    assert "pass ax=ax" in failure(it)


def test_two_figures_elsewhere_are_told() -> None:
    def it(ax: Any) -> None:
        line()
        line()

    assert "pass ax=ax" in failure(it)


def test_drawing_here_and_there_is_told_unless_one_is_returned() -> None:
    def both(ax: Any) -> Any:
        ax.plot([1, 3, 2])
        ax.set_title("golden")
        return line()

    def nothing(ax: Any) -> None:
        both(ax)

    def ours(ax: Any) -> Any:
        both(ax)
        return ax

    assert "which is the picture" in failure(nothing)
    assert content(draw(both)) == content(script(line))
    assert content(draw(ours)) == content(plots.draw("golden").body)


@pytest.mark.parametrize("close", [plt.close, lambda: plt.close("all")])
def test_what_was_drawn_elsewhere_and_closed_is_told(close: Callable[[], None]) -> None:
    def it(ax: Any) -> None:
        line()
        close()

    assert "pass ax=ax" in failure(it)


def lost(*_: Any) -> None:
    Figure().subplots().plot([1, 2])  # of which pyplot knows nothing


@pytest.mark.parametrize(
    "function",
    [
        lambda ax: lost(),
        lambda ax: None,
        lambda ax: ax.grid(),
        lambda fig: lost(fig.subplots(2)),
        lambda: lost(plt.subplots(2, sharex=True)),
        lambda: lost(plt.figure().subplots()),
    ],
)
def test_axes_that_are_left_as_new_are_no_picture(function: Callable[..., Any]) -> None:
    told = failure(function)
    assert "nothing was drawn on them" in told
    assert "return fig" in told
    assert "CannotDraw" in told


def test_the_cure_for_nothing_to_draw_is_a_picture() -> None:
    assert draw(lambda ax: Picture(ax, alt="no orders yet")) == draw(lambda ax: ax)


def test_axes_that_are_left_as_new_do_not_hide_the_one_figure_that_was_drawn() -> None:
    def it() -> None:
        plt.subplots()
        line()

    assert content(draw(it)) == content(script(line))


# --- a function that asked for axes, and used them --------------------------------------------------------


@pytest.mark.parametrize(
    "on_ours",
    [
        lambda ax: ax.set_title("no rows today"),
        lambda ax: ax.bar([], []) and None,  # no rows today
        lambda ax: ax.set_xlim(0, 9),
        lambda ax: ax.text(0.5, 0.5, "no rows today"),
        lambda ax: ax.figure.suptitle("no rows today"),
        lambda ax: ax.twinx().plot([1, 2]),
        lambda ax: ax.inset_axes([0.5, 0.5, 0.4, 0.4]).plot([1, 2]),
        lambda ax: ax.figure.add_subplot(2, 2, 1),
        lambda ax: ax.legend([plt.Line2D([], [])], ["a"]),
        lambda ax: ax.plot([1, 2])[0].remove(),
        lambda ax: plt.xlim(0, 2),
        lambda ax: plt.axis("off"),
        lambda ax: scipy.stats.probplot([1.0, 2, 4], plot=ax),
        lambda ax: so.Plot(FRAME, x="x", y="y").add(so.Dot()).on(ax),
        lambda ax: ax.bar_label(ax.bar([1], [2])),
        lambda ax: ax.remove() or plt.gcf().subplots(2),
    ],
)
def test_what_was_done_to_given_axes_is_the_picture(on_ours: Callable[[Any], Any]) -> None:
    def it(ax: Any) -> Any:
        return on_ours(ax)

    def plain() -> None:
        returned = on_ours(plt.figure(layout="constrained").subplots())
        if isinstance(returned, so.Plot):
            returned.plot()

    ours, theirs = draw(it), script(plain)
    if "so" in on_ours.__code__.co_names:  # its legend stands beside the axes, in a tight box
        assert content(ours) != content(draw(lambda ax: ax))
    else:
        assert content(ours) == content(theirs)


def test_a_figure_that_was_drawn_on_for_numbers_and_closed_is_no_matter() -> None:
    def it(ax: Any) -> None:
        figure, other = plt.subplots()
        counts, _, _ = other.hist([1, 2, 2])
        plt.close(figure)
        ax.plot(counts)

    assert content(draw(it)) == content(draw(lambda ax: ax.plot(np.histogram([1, 2, 2])[0])))


@pytest.mark.parametrize("given", ["ax", "fig", ""])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (chart, "an Altair chart.*chart.save"),
        (lambda: (chart(), FRAME), "an Altair chart"),
        (lambda: {"left": [chart()]}, "an Altair chart"),
        (lambda: plotnine.ggplot(FRAME), r"return p\.draw\(\)"),
        (lambda: "plot.png", "a file name"),
        (lambda: SimpleNamespace(_repr_svg_=lambda: "<svg/>"), r"return value\._repr_svg_\(\)"),
        (lambda: (_ for _ in ()), "generator"),
        (lambda: FRAME.plot, r"call|df\.plot"),
        (lambda: base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(), "without b64encode"),
    ],
)
def test_what_is_no_picture_is_told_however_much_was_drawn(
    given: str, make: Callable[[], Any], words: str
) -> None:
    def with_axes(ax: Any) -> Any:
        ax.plot([1, 2])
        return make()

    def with_figure(fig: Any) -> Any:
        fig.subplots().plot([1, 2])
        return make()

    def with_none() -> Any:
        plt.plot([1, 2])
        return make()

    functions: dict[str, Callable[..., Any]] = {"ax": with_axes, "fig": with_figure, "": with_none}
    assert re.search(words, failure(functions[given]))


def test_a_finished_picture_counts_before_given_axes() -> None:
    body = script(line)

    def it(ax: Any) -> Any:
        ax.plot([1, 2])
        return body

    assert draw(it) == body


def test_a_table_is_no_picture_of_given_axes_on_which_nothing_is() -> None:
    assert "df.plot()" in failure(lambda ax: FRAME)


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        (polars.DataFrame({"y": [1, 2]}), "return df.to_pandas().plot()"),
        (pyarrow.table({"y": [1, 2]}), "return table.to_pandas().plot()"),
        (GRID.to_dataset(name="t"), 'return dataset["name"].plot()'),
        (FRAME.style, "return styler.data.plot()"),
        (WordCloud(), "return value.to_image()"),
    ],
    ids=["polars", "pyarrow", "xarray", "styler", "wordcloud"],
)
def test_the_cure_that_is_told_for_a_value_works_for_its_type(value: Any, cure: str) -> None:
    assert cure in failure(lambda: value)


def test_a_word_cloud_that_was_drawn_is_shown() -> None:
    def cloud() -> Any:
        line()
        return WordCloud()

    assert content(draw(cloud)) == content(script(line))


# --- pictures whose numbers or text a reader would not see as they were meant ------------------------------


@pytest.mark.parametrize("kind", ["<u2", ">u2"])
def test_grey_of_sixteen_bits_keeps_its_shades(kind: str) -> None:
    grey = np.linspace(0, 65_535, 6_400).reshape(80, 80).astype(kind)
    shown = Image.open(io.BytesIO(draw(lambda: Image.fromarray(grey)))).convert("L")
    assert np.array_equal(np.asarray(shown), grey >> 8)


def test_a_png_of_sixteen_bits_keeps_its_shades_in_other_sizes_and_formats() -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((80, 80), 30_000, dtype=np.uint16)).save(file, "png")
    for asked in ({"width": 40}, {"format": "webp"}):
        own = Plots.__new__(Plots)
        own.__dict__.update(plots.__dict__, registry=type(plots.registry)(plots.registry.root))
        own.plot("it")(lambda: file)
        shown = Image.open(io.BytesIO(own.draw("it", **asked).body)).convert("L")
        assert abs(int(np.asarray(shown).max()) - (30_000 >> 8)) <= 2


@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_numbers_without_a_range_of_brightness_are_refused(kind: str) -> None:
    values = np.linspace(0, 1, 6_400).reshape(80, 80).astype(kind)
    assert 'plt.imshow(values, cmap="gray")' in failure(lambda: Image.fromarray(values))


@pytest.mark.parametrize(
    "body",
    [
        '<svg width="9" height="9"><rect width="5" height="5"/></svg>',
        b'<?xml version="1.0"?><svg viewBox="0 0 9 9" xmlns:xlink="http://www.w3.org/1999/xlink"></svg>',
        io.StringIO('<svg><g xmlns="http://www.w3.org/2000/svg"/></svg>'),
    ],
)
def test_an_svg_that_browsers_show_as_broken_is_refused(body: Any) -> None:
    assert 'xmlns="http://www.w3.org/2000/svg"' in failure(lambda: body)


# --- values that do not name their figure -----------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda: scipy.cluster.hierarchy.dendrogram(scipy.cluster.hierarchy.linkage([[1], [2], [4.0]])),
        lambda: scipy.stats.probplot([1.0, 2, 4], plot=plt),
        lambda: Sankey(flows=[1, -1], ax=plt.gca()).finish(),
        lambda: (plt.plot([1, 2]), plt.axis("off"))[1],
        lambda: (plt.plot([1, 2]), plt.xlim(0, 2))[1],
        lambda: (plt.plot([1, 2]), FRAME)[1],
        lambda: (plt.plot([1, 2]), plt)[1],
        lambda: (plt.plot([1, 2]), SimpleNamespace(mean=3))[1],
        lambda: (plt.plot([1, 2])[0].remove(), {"rows": 0})[1],
        lambda: (plt.figure(), plt.subplots()[1].plot([1, 2]), 3)[2],
    ],
)
def test_the_one_open_figure_is_the_picture_of_a_value_that_names_none(make: Callable[[], Any]) -> None:
    assert content(draw(lambda: make())) == content(script(make))


class Display:
    """As scikit-learn's: what it drew on is in attributes that end in `_`."""

    def __init__(self, name: str, value: Any) -> None:
        setattr(self, name, value)


@pytest.mark.parametrize(
    "value",
    [
        lambda figure: Display("figure_", figure.text(0.5, 0.5, "text").figure),
        lambda figure: Display("ax_", figure.subplots()),
        lambda figure: Display("axes_", figure.subplots(2, 2)),
        lambda figure: Display("axes", figure.subplots(1, 3)),
        lambda figure: Display("patches", figure.subplots().bar([1, 2], [3, 4])),
        lambda figure: ImageGrid(figure, 111, (1, 2)),
        lambda figure: Sankey(flows=[1, -1], ax=figure.subplots()).finish(),
    ],
)
def test_a_result_leads_to_the_figure_that_it_is_known_by(value: Callable[[Figure], Any]) -> None:
    def it() -> Any:
        figure = Figure()  # pyplot's own would be found without the result's help
        plt.plot([3, 2, 1])
        return value(figure)

    file = io.BytesIO()
    figure = Figure()
    value(figure)
    figure.savefig(file, format="png")
    assert content(draw(it)) == content(file.getvalue())


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: (line(), line(), 3)[2], "left 2 pyplot figures open and returned no figure"),
        (lambda: (line(), plt.close(), 3)[2], r"plt\.close\(\)"),
        (lambda: Display("plot", print), r"return value\.plot\(\)"),
        (lambda: nx.path_graph(3), r"nx\.draw"),
        (lambda: 3, "a number"),
    ],
)
def test_where_there_is_no_one_figure_the_value_is_told(function: Callable[[], Any], words: str) -> None:
    assert re.search(words, failure(function))


# --- figures with nothing on them -------------------------------------------------------------------------


def cleared() -> None:
    line()
    plt.savefig(io.BytesIO())
    plt.clf()


@pytest.mark.parametrize(
    "function",
    [
        cleared,
        lambda: plt.figure(),
        lambda: Picture(Figure()),
        lambda: Figure().subfigures(1, 2)[0],
        lambda: Figure().text(0.5, 0.5, ""),
        lambda fig: None,
        lambda ax: ax.figure.clear(),
    ],
)
def test_a_figure_with_nothing_on_it_is_told(function: Callable[..., Any]) -> None:
    assert "the figure is empty" in failure(function)
    assert "Picture(fig, alt=" in failure(function)


@pytest.mark.parametrize(
    "function",
    [
        lambda: Picture(plt.figure(), alt="no orders yet"),
        lambda fig: Picture(None, alt="no orders yet"),
        lambda: plt.figtext(0.5, 0.5, "no orders yet"),
        lambda: plt.figure().figimage(np.zeros((20, 20))),
        lambda: plt.figure().subfigures(1, 2)[0].subplots(),
    ],
)
def test_a_figure_may_be_blank_on_purpose_or_have_no_axes(function: Callable[..., Any]) -> None:
    assert draw(function).startswith(b"\x89PNG")


# --- values that are taken --------------------------------------------------------------------------------


def test_a_picture_of_pillow_s_is_taken() -> None:
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20)
    with Image.open(io.BytesIO(draw(lambda: picture))) as drawn:
        assert drawn.format == "PNG"
        assert np.array_equal(np.asarray(drawn.convert("L")), np.asarray(picture))


def test_plotnine_s_figure_is_taken() -> None:
    def it() -> Any:
        return (plotnine.ggplot(FRAME, plotnine.aes("x", "y")) + plotnine.geom_point()).draw()

    file = io.BytesIO()
    it().savefig(file, format="png")
    plt.close("all")
    assert content(draw(it)) == content(file.getvalue())


@pytest.mark.parametrize(
    "function",
    [
        lambda: (line(), send_file(io.BytesIO(b"\x89PNG"), mimetype="image/png"))[1],
        lambda ax: (ax.plot([1, 2]), jsonify(sales=3))[1],
    ],
)
def test_a_web_response_is_told_to_be_left_to_plotroute(function: Callable[..., Any]) -> None:
    assert "plotroute makes the response" in failure(function)
