"""A figure without a canvas of its own is measured with one renderer, and looks as if it had had many."""

import io

import matplotlib as mpl
import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pytest
import seaborn as sns
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from plotroute.encode.matplotlib.renderer_cache import keep_renderers


@pytest.fixture
def made(monkeypatch):
    """The sizes of the renderers that are made."""
    sizes = []
    make = RendererAgg.__init__

    def note(self, width, height, dpi):
        sizes.append((width, height, dpi))
        make(self, width, height, dpi)

    monkeypatch.setattr(RendererAgg, "__init__", note)
    return sizes


def heatmap():
    figure = Figure(figsize=(6, 5), layout="constrained")
    names = [f"a rather long name {n}" for n in range(12)]
    sns.heatmap(np.arange(144.0).reshape(12, 12), xticklabels=names, yticklabels=names, ax=figure.subplots())
    return figure


def measured():
    figure, seen = Figure(), []
    for change in (
        lambda: None,
        lambda: mpl.rcParams.update({"font.size": 30}),
        lambda: figure.set_dpi(250),
        lambda: figure.set_size_inches(9, 1),
        lambda: figure.set_dpi(100),
        lambda: mpl.rcParams.update({"font.family": "serif"}),
    ):
        change()
        # A new one: a text keeps the renderer that it was first measured with.
        seen.append(figure.text(0.5, 0.5, "$\\alpha$ and words").get_window_extent().bounds)
    return seen


def saved(figure, format="png"):
    file = io.BytesIO()
    figure.savefig(file, format=format, metadata={"Date": None} if format == "svg" else None)
    return file.getvalue()


@pytest.mark.parametrize("format", ["png", "svg"])
def test_the_picture_is_the_same(format):
    with mpl.rc_context({"svg.hashsalt": "same"}):
        expected = saved(heatmap(), format)
        with keep_renderers():
            assert saved(heatmap(), format) == expected


def test_extents_are_the_same_whatever_changes_in_between():
    with mpl.rc_context():
        expected = measured()
    with mpl.rc_context(), keep_renderers():
        assert measured() == expected
    assert len(set(expected)) == 6


def test_all_labels_are_measured_with_one_renderer(made):
    heatmap()
    assert len(made) > 20
    made.clear()

    with keep_renderers():
        heatmap()

    assert len(made) == 1


def test_each_figure_and_size_has_a_renderer_of_its_own(made):
    with keep_renderers():
        one, other = Figure(), Figure()
        for figure in (one, other, one, other):
            figure.text(0, 0, "words").get_window_extent()
        one.set_dpi(200)
        one.text(0, 0, "words").get_window_extent()

    assert made == [(640, 480, 100), (640, 480, 100), (1280, 960, 200)]


@pytest.mark.parametrize("canvas", [FigureCanvasAgg, FigureCanvasSVG])
def test_a_figure_with_a_canvas_is_its_canvas_business(canvas):
    def measured():
        figure = Figure()
        canvas(figure)
        return [figure.text(0, 0, "words").get_window_extent().bounds for _ in range(3)]

    expected = measured()
    with keep_renderers():
        assert measured() == expected


def test_afterwards_matplotlib_is_as_before():
    before = matplotlib.figure._get_renderer
    with pytest.raises(RuntimeError), keep_renderers():
        assert matplotlib.figure._get_renderer is not before
        raise RuntimeError
    assert matplotlib.figure._get_renderer is before


def test_a_matplotlib_that_was_not_read_is_left_alone(monkeypatch):
    monkeypatch.setattr(mpl, "__version__", "3.12.0")
    before = matplotlib.figure._get_renderer
    with keep_renderers():
        assert matplotlib.figure._get_renderer is before


def test_a_figure_of_pyplots_is_left_alone(made):
    figure = plt.figure()
    with keep_renderers():
        for _ in range(3):
            figure.text(0, 0, "words").get_window_extent()
    plt.close(figure)
    assert len(made) == 1
