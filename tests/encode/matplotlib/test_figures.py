from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns
import seaborn.objects as so
from matplotlib.figure import Figure

from plotroute.encode import find
from plotroute.encode.base import NotAFigure, Target
from plotroute.encode.matplotlib.encoder import MatplotlibEncoder
from plotroute.encode.matplotlib.figures import figure_of

# seaborn 0.13 still says `copy=`, which pandas 3 has no use for.
pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")

FRAME = pd.DataFrame({"x": [1.0, 2, 3, 4], "y": [2.0, 1, 4, 3], "who": list("abab")})


def axes() -> Any:
    return plt.subplots()[1]


def removed_line() -> Any:
    line = axes().plot([1, 2])[0]
    line.remove()
    return line


def on_subfigure() -> Any:
    return plt.figure().subfigures(1, 2)[1]


FORMS = {
    "figure": plt.figure,
    "bare figure": Figure,
    "subfigure": on_subfigure,
    "axes of a subfigure": lambda: on_subfigure().subplots(),
    "axes": axes,
    "artist": lambda: axes().plot([1, 2])[0],
    "lines": lambda: axes().plot([1, 2]),
    "bars": lambda: axes().bar([1, 2], [3, 4]),
    "error bars": lambda: axes().errorbar([1, 2], [3, 4], yerr=1),
    "stem": lambda: axes().stem([1, 2, 3]),
    "mesh": lambda: axes().pcolormesh([[1, 2], [3, 4]]),
    "contours": lambda: axes().contour([[1, 2], [3, 4]]),
    "image": lambda: axes().imshow([[1, 2], [3, 4]]),
    "text": lambda: axes().set_title("title"),
    "legend": lambda: axes().legend([]),
    "subplots": plt.subplots,
    "four subplots": lambda: plt.subplots(2, 2),
    "histogram": lambda: axes().hist([1, 2, 2, 3]),
    "boxes": lambda: axes().boxplot([[1, 2, 3]]),
    "violins": lambda: axes().violinplot([[1, 2, 3]]),
    "pie": lambda: axes().pie([1, 2]),
    "streams": lambda: axes().streamplot(
        np.arange(3.0), np.arange(3.0), *np.ones((2, 3, 3)), broken_streamlines=False
    ),
    "mosaic": lambda: plt.subplot_mosaic("AB"),
    "mosaic's axes": lambda: plt.subplot_mosaic("AB")[1],
    "colorbar": lambda: plt.colorbar(axes().imshow([[1, 2]])),
    "array of axes": lambda: plt.subplots(2, 2)[1],
    "canvas": lambda: plt.figure().canvas,
    "figure and numbers": lambda: (plt.figure(), FRAME, 3),
    "pandas axes": lambda: FRAME.plot(),
    "pandas subplots": lambda: FRAME.plot(subplots=True),
    "pandas hist": lambda: FRAME.hist(),
    "pandas series of axes": lambda: FRAME.groupby("who").plot(ax=axes()),
    "seaborn axes": lambda: sns.scatterplot(FRAME, x="x", y="y", ax=axes()),
    "facet grid": lambda: sns.relplot(FRAME, x="x", y="y", col="who"),
    "pair grid": lambda: sns.pairplot(FRAME, diag_kind="hist"),
    "joint grid": lambda: sns.jointplot(FRAME, x="x", y="y"),
    "seaborn plot": lambda: so.Plot(FRAME, x="x", y="y").add(so.Dot()),
    "seaborn plotter": lambda: so.Plot(FRAME, x="x", y="y").add(so.Dot()).plot(),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_lead_to_a_figure(form: str) -> None:
    value = FORMS[form]()
    assert isinstance(find(value), MatplotlibEncoder)
    assert isinstance(figure_of(value), Figure)


def test_a_cluster_map_leads_to_a_figure() -> None:
    pytest.importorskip("scipy")
    grid = sns.clustermap(FRAME[["x", "y"]])
    assert figure_of(grid) is grid.figure


def test_a_seaborn_plot_is_compiled_without_pyplot() -> None:
    figure_of(so.Plot(FRAME, x="x", y="y").add(so.Dot()))
    assert plt.get_fignums() == []


class Response:
    status_code = 200
    headers: dict[str, str] = {}  # noqa: RUF012


async def coroutine() -> None: ...


def generator() -> Any:
    yield plt.figure()


def foreign(module: str, name: str) -> Any:
    return type(name, (), {"__module__": module})()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: None, r"return fig.*plt\.close"),
        (lambda: FRAME, r"DataFrame.*df\.plot\(\)"),
        (lambda: FRAME["x"], r"Series.*df\.plot\(\)"),
        (lambda: "plot.png", "file name"),
        (lambda: Response(), "Response.*the bytes of the picture"),
        (generator, "generator"),
        (lambda: coroutine(), "coroutine"),
        (lambda: plt, r"plt\.gcf"),
        (lambda: plt.figure, r"figure itself: call it"),
        (lambda: np.ones((3, 3)), r"plt\.imshow"),
        (lambda: np.float64(3), "number"),
        (lambda: 3, r"a number \(3\)"),
        (lambda: True, "number"),
        (lambda: {"a": 1}, "dict without a figure"),
        (lambda: [], "list without a figure"),
        (lambda: [1.0] * 100_000, "list without a figure"),
        (removed_line, "Line2D that is in no figure"),
        (lambda: foreign("plotly.graph_objs._figure", "Figure"), "Plotly.*not supported yet"),
        (lambda: foreign("altair.vegalite.v5.api", "Chart"), "Altair.*not supported yet"),
        (lambda: foreign("plotnine.ggplot", "ggplot"), "plotnine.*not supported yet"),
        (lambda: foreign("bokeh.plotting._figure", "figure"), "Bokeh.*not supported yet"),
        (object, r"builtins\.object, which leads to no figure"),
        (lambda: (plt.figure(), plt.figure()), "2 figures"),
    ],
)
def test_anything_else_is_refused_with_what_to_return(make: Any, words: str) -> None:
    value = make()
    with pytest.raises(NotAFigure, match=words):
        find(value).encode(value, Target())


def test_one_figure_reached_twice_is_one() -> None:
    figure, ax = plt.subplots()
    assert figure_of([figure, ax, {"a": [ax]}]) is figure


def test_a_container_that_holds_itself_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(NotAFigure):
        figure_of(loop)
