"""Text is laid out once per picture, and no picture can tell."""

from contextlib import nullcontext

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from plotroute.encode.matplotlib import text_layout_cache
from plotroute.encode.matplotlib.text_layout_cache import remember_layouts

LAY_OUT = text_layout_cache._lay_out

# What a text can be told that changes where its ink goes: the text that comes second differs in just that.
CHANGES = {
    "text": lambda text: text.set_text("other words"),
    "more lines": lambda text: text.set_text("wide words\nbelow"),
    "size": lambda text: text.set_fontsize(20),
    "weight": lambda text: text.set_fontweight("bold"),
    "style": lambda text: text.set_fontstyle("italic"),
    "family": lambda text: text.set_fontfamily("monospace"),
    "mathtext's family": lambda text: text.set_math_fontfamily("stix"),
    "no mathtext": lambda text: text.set_parse_math(False),
    "rotation": lambda text: text.set_rotation(30),
    "rotation's mode": lambda text: text.set(rotation=30, rotation_mode="anchor"),
    "a transform that rotates": lambda text: text.set(rotation=30, transform_rotates_text=True),
    "horizontal alignment": lambda text: text.set_horizontalalignment("right"),
    "vertical alignment": lambda text: text.set_verticalalignment("top"),
    "alignment of lines": lambda text: text.set_multialignment("right"),
    "distance of lines": lambda text: text.set_linespacing(3),
    "wrapped": lambda text: text.set_wrap(True),
}


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())


def two_texts(
    change, words="words and $x^2$ to be\nlaid out, which are many more than fit into one line of it"
):
    """A figure with a text, and the same text with one thing changed."""
    figure = Figure(figsize=(4, 3))
    ax = figure.subplots()
    ax.set_xlim(0, 3)  # not square: a transform can rotate text
    ax.text(0.5, 0.6, words)
    change(ax.text(0.5, 0.3, words))
    return figure


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_texts_that_differ_are_laid_out_each_for_itself(change):
    plain = drawn(two_texts(change))
    with remember_layouts():
        assert np.array_equal(drawn(two_texts(change)), plain)
    assert not np.array_equal(drawn(two_texts(lambda text: None)), plain)


def test_pictures_of_different_resolution_have_layouts_of_their_own():
    figures = [two_texts(CHANGES["rotation"]) for _ in range(2)]
    figures[1].set_dpi(150)
    plain = [drawn(figure) for figure in figures]
    with remember_layouts():
        assert all(map(np.array_equal, map(drawn, figures), plain))


@pytest.mark.parametrize(
    "rc", [{"font.family": "serif"}, {"font.sans-serif": ["DejaVu Serif"]}, {"mathtext.fontset": "cm"}]
)
def test_rcparams_that_are_set_while_it_is_drawn_count(rc):
    class Own(Text):
        def draw(self, renderer):
            with mpl.rc_context(rc):
                super().draw(renderer)

    def figure(kind):
        made = Figure(figsize=(4, 3))
        for y, make in ((0.7, Text), (0.3, kind)):
            made.add_artist(make(0.1, y, "words and $x^2$", figure=made))
        return made

    plain = drawn(figure(Own))
    with remember_layouts():
        assert np.array_equal(drawn(figure(Own)), plain)


def test_it_is_once_for_every_text_of_a_plot_that_asks_ten_times(monkeypatch):
    text_layout_cache.install()  # before what it looks for is replaced
    asked = []
    monkeypatch.setattr(
        text_layout_cache, "_lay_out", lambda self, renderer: asked.append(self) or LAY_OUT(self, renderer)
    )
    figure = Figure(layout="constrained")
    figure.subplots().plot([1, 2, 3])
    with remember_layouts():
        drawn(figure)
    texts = {text.get_text() for text in asked}
    assert 0 < len(asked) <= 2 * len(texts)


@pytest.mark.parametrize("version", ["3.10.9", "3.12.0", "4.0.0"])
def test_a_matplotlib_that_is_not_known_is_left_alone(monkeypatch, version):
    monkeypatch.setattr(mpl, "__version__", version)
    monkeypatch.setattr(Text, "_get_layout", LAY_OUT)
    with remember_layouts():
        assert Text._get_layout is LAY_OUT


@pytest.mark.parametrize("ends", [nullcontext(), pytest.raises(ZeroDivisionError)])
def test_nothing_is_remembered_afterwards(ends, monkeypatch):
    text_layout_cache.install()  # before what it looks for is replaced
    asked = []
    monkeypatch.setattr(
        text_layout_cache, "_lay_out", lambda self, renderer: asked.append(self) or LAY_OUT(self, renderer)
    )
    figure = Figure()
    figure.text(0.5, 0.5, "words")
    for _ in range(2):
        with ends as expected, remember_layouts():
            drawn(figure)
            if expected is not None:
                raise ZeroDivisionError
    assert len(asked) >= 2
    before = len(asked)
    drawn(figure)
    assert len(asked) > before


def test_the_method_is_set_once_for_all_pictures():
    with remember_layouts():
        method = Text._get_layout
    assert Text._get_layout is method
    with remember_layouts():
        assert Text._get_layout is method
