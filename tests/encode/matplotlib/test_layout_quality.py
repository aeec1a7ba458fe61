from __future__ import annotations

from math import radians
from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from plotroute.encode.matplotlib.drawn_texts import Rectangle
from plotroute.encode.matplotlib.layout_quality import read
from plotroute.encode.matplotlib.legibility import settle

NATURAL = (640, 480)


def bars(rotation: float = 0, number: int = 8) -> Figure:
    figure, ax = plt.subplots(layout="constrained")
    ax.bar([f"group {i}" for i in range(number)], range(number))
    ax.tick_params(axis="x", rotation=rotation)
    return figure


def is_tighter(figure: Figure, size: tuple[float, float]) -> bool:
    before = read(figure, NATURAL)
    return read(figure, size).is_tighter_than(before)


def test_rectangles_that_touch_only_upright_are_apart() -> None:
    one = Rectangle(0, 0, 40, 5, radians(45))
    assert one.is_apart(Rectangle(20, 0, 40, 5, radians(45)))
    assert not one.is_apart(Rectangle(10, 0, 40, 5, radians(45)))
    assert not one.is_apart(Rectangle(20, 20, 5, 5, 0))


@pytest.mark.parametrize(("rotation", "fits"), [(0, False), (45, True), (90, True)])
def test_turned_labels_need_less_room(rotation: float, fits: bool) -> None:
    assert is_tighter(bars(rotation), (400, 300)) is not fits


def test_what_overlaps_already_may_not_overlap_more() -> None:
    figure = bars(number=11)
    assert read(figure, NATURAL).depths
    assert not is_tighter(figure, NATURAL)
    assert is_tighter(figure, (400, 300))


def test_a_title_that_leaves_the_figure_a_squeezed_axes_a_large_legend() -> None:
    def titled(ax: Any) -> None:
        ax.set_title("a title that is as wide as an ordinary figure is")

    def squeezed(ax: Any) -> None:
        ax.set_ylabel("a\nlabel\nof\nmany\nlines\nindeed")

    def legend(ax: Any) -> None:
        for number in range(8):
            ax.plot([1, 2], label=f"series number {number}")
        ax.legend()

    for spoil in (titled, squeezed, legend):
        figure, ax = plt.subplots(layout="constrained")
        assert not is_tighter(figure, (240, 180))
        spoil(ax)
        assert is_tighter(figure, (240, 180))


def test_hidden_things_do_not_count() -> None:
    figure, ax = plt.subplots(layout="constrained")
    ax.set_axis_off()
    ax.text(0.5, 0.5, "seen")
    ax.text(0.5, 0.5, "hidden", visible=False)
    figure.add_subplot(visible=False).set_title("hidden too")
    assert not read(figure, NATURAL).depths


def test_too_many_texts_are_not_compared_but_laid_out_as_in_the_natural_picture() -> None:
    figure, ax = plt.subplots(layout="constrained")
    for number in range(1600):
        ax.text(number % 40 / 40, number // 40 / 40, "1")
    settle(figure, NATURAL, [(320, 240), (640, 480)])
    assert tuple(figure.get_size_inches()) == (6.4, 4.8)


def test_a_text_far_away_does_not_widen_the_picture() -> None:
    figure, ax = plt.subplots(layout="constrained")
    ax.text(50, 0.5, "far away", transform=ax.transAxes).set_in_layout(False)
    assert settle(figure, NATURAL, [NATURAL]) == pytest.approx((0, 0, 6.4, 4.8))
