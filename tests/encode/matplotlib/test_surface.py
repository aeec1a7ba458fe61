"""What a plot function draws on with Matplotlib, and what is reset after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.mathtext import MathTextParser

from encode.conformance import SurfaceConformance
from plotroute.encode.matplotlib.surface import MatplotlibSurface


@pytest.fixture(autouse=True)
def _rc_params_are_reset():
    with mpl.rc_context():
        yield


class TestSurface(SurfaceConformance):
    surface = MatplotlibSurface()

    def draw_on(self, arguments: Mapping[str, Any]) -> None:
        axes = arguments["ax"] if "ax" in arguments else arguments["fig"].subplots()
        axes.plot([1, 2])

    def open_figure(self) -> Any:
        figure, axes = plt.subplots()
        axes.plot([1, 2])
        return figure

    def change_setting(self) -> str:
        mpl.rcParams["figure.facecolor"] = "red"
        return "figure.facecolor"

    def text_width(self, text: str) -> float:
        axes = plt.figure().subplots()
        return axes.text(0, 0, text).get_window_extent().width


def test_a_setting_of_axes_is_late_once_there_are_axes():
    given = MatplotlibSurface().give(["fig"], None)
    assert not given.is_read_already("axes.facecolor")
    given.figure.subplots()
    assert given.is_read_already("axes.facecolor")
    assert not given.is_read_already("axes.unicode_minus")
    assert not given.is_read_already("lines.linewidth")


def test_the_background_is_that_of_the_figure_where_axes_have_none():
    mpl.rcParams.update({"axes.facecolor": "none", "figure.facecolor": "#123456"})
    assert MatplotlibSurface().background() == "#123456"


def test_the_reset_puts_back_backend_and_interactive_mode():
    before = mpl.get_backend(), mpl.is_interactive()
    reset = MatplotlibSurface().snapshot()
    plt.switch_backend("svg")
    plt.ion()
    reset()
    assert (mpl.get_backend(), mpl.is_interactive()) == before


@pytest.mark.parametrize("formula", ["$\\sin_$", "$x^$", "$\\frac$"])
def test_after_the_reset_a_formula_that_failed_leaves_the_next_as_it_is(formula):
    def width() -> float:
        return MathTextParser("agg").parse("$\\sin x$").width

    reset = MatplotlibSurface().snapshot()
    before = width()
    with pytest.raises(ValueError):
        MathTextParser("agg").parse(formula)
    reset()
    assert width() == before


def test_windows_are_replaced_by_agg_and_come_back():
    plt.switch_backend("svg")
    with MatplotlibSurface().without_windows():
        assert mpl.get_backend() == "agg"
    assert mpl.get_backend() == "svg"
    plt.switch_backend("agg")
