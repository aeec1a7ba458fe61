"""Sized pictures of live layouts, drawn as a reader gets them."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from plotroute import Plots

plots = Plots()
PHONE = 312


@pytest.fixture(autouse=True)
def text_as_text() -> None:
    mpl.rcParams["svg.fonttype"] = "none"


def svg(name: str, **parameters: Any) -> str:
    return plots.draw(name, format="svg", **parameters).body.decode()


def scale(picture: str) -> float:
    """CSS pixels of the page for one of the layout."""
    root = re.search(r'width="(\d+)px" height="\d+px" viewBox="\S+ \S+ ([\d.]+)', picture)
    assert root is not None
    return float(root[1]) / float(root[2]) * 0.72


def page(picture: str) -> tuple[float, float]:
    root = re.search(r'viewBox="\S+ \S+ ([\d.]+) ([\d.]+)"', picture)
    assert root is not None
    return float(root[1]), float(root[2])


def boxes(picture: str, group: str) -> list[tuple[float, float, float, float]]:
    """The first patch in each group of that kind: left, top, right, bottom (parts of the picture)."""
    wide, high = page(picture)
    found = []
    for part in re.split(rf'<g id="{group}_\d+">', picture)[1:]:
        path = re.search(r' d="([^"]*)"', part)
        assert path is not None
        numbers = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", path[1]), dtype=float)
        (left, top), (right, bottom) = numbers.min(axis=0), numbers.max(axis=0)
        found.append((left / wide, top / high, right / wide, bottom / high))
    return found


def margins(name: str, **parameters: Any) -> list[int]:
    """Empty pixels on the left, top, right and bottom."""
    pixels = np.asarray(Image.open(io.BytesIO(plots.draw(name, **parameters).body)).convert("L")).astype(int)
    marked = np.abs(pixels - pixels[0, 0]) > 60
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    height, width = marked.shape
    return [columns[0], rows[0], width - 1 - columns[-1], height - 1 - rows[-1]]


# --- legends -----------------------------------------------------------------------------------


@plots.plot(size=(720, 420))
def wide_legend(ax: Any) -> None:
    ax.plot([1, 3, 2], label="each single day of the year")
    ax.plot([2, 1, 2], label="average of seven days")
    ax.set(title="Rides per day", ylabel="rides")
    ax.legend(loc="upper left", ncols=2)


@plots.plot
def legend_at_the_right() -> Figure:
    figure, ax = plt.subplots(figsize=(7.2, 4.2), layout="tight")
    for number in range(3):
        ax.plot([1, number], label=f"the series {number}")
    ax.legend(loc="upper right", ncols=3)
    return figure


@plots.plot
def two_legends() -> Figure:
    figure, axs = plt.subplots(2, 1, figsize=(7, 6), layout="constrained")
    for ax in axs:
        ax.plot([1, 2], label="members of the scheme")
        ax.plot([2, 1], label="occasional riders")
        ax.legend(loc="lower center", ncols=2)
    return figure


@pytest.mark.parametrize("name", ["wide_legend", "legend_at_the_right", "two_legends"])
@pytest.mark.parametrize("width", [PHONE, 400])
def test_a_legend_on_its_axes_neither_squeezes_them_nor_sticks_out(name: str, width: int) -> None:
    picture = svg(name, width=width)
    axes, legends = boxes(picture, "axes"), boxes(picture, "legend")
    for (left, _, right, _), (start, _, end, _) in zip(axes, legends, strict=True):
        assert right - left > 0.75
        assert left < start < end < right + 0.01


def test_the_first_plot_of_the_demo_fills_its_picture_on_a_phone(tmp_path: Path) -> None:
    file = tmp_path / "daily.svg"
    demo = str(Path(__file__).parents[3] / "examples/demo")
    draw = ["draw", "rides/daily", demo, "-p", "width=312", "-o", str(file)]
    subprocess.run([sys.executable, "-m", "plotroute", *draw], check=True, capture_output=True)
    ((left, _, right, _),) = boxes(file.read_text(), "axes")
    assert right - left > 0.75


@plots.plot
def legend_of_the_figure(loc: str = "upper right", count: int = 5) -> Figure:
    figure, ax = plt.subplots(layout="tight")
    for number in range(count):
        ax.plot([1, number], label=f"Saint Petersburg {number}")
    figure.legend(loc=loc)
    return figure


@pytest.mark.parametrize(("loc", "count"), [("center", 6), ("right", 7), ("upper right", 8)])
def test_a_legend_of_the_figure_hides_no_more_than_a_third_of_axes(loc: str, count: int) -> None:
    picture = svg("legend_of_the_figure", width=280, loc=loc, count=count)
    ((left, top, right, bottom),) = boxes(picture, "axes")
    ((start, high, end, low),) = boxes(picture, "legend")
    across = min(right, end) - max(left, start)
    upwards = min(bottom, low) - max(top, high)
    assert across * upwards < (right - left) * (bottom - top) * 0.34


@plots.plot
def legend_beside(ax: Any) -> None:
    for number in range(4):
        ax.plot([1, number], label=f"series {number}")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))


def test_a_legend_that_was_put_beside_its_axes_stays_there_at_full_size() -> None:
    picture = svg("legend_beside", width=400)
    assert scale(picture) == pytest.approx(1, abs=0.02)
    assert boxes(picture, "legend")[0][0] > boxes(picture, "axes")[0][2]


# --- texts that hang over the sides ------------------------------------------------------------


@plots.plot
def long_title(ax: Any) -> None:
    ax.set_title("A title of eighty-two characters, which are a few more than fit above these axes...")


@plots.plot
def long_label(ax: Any) -> None:
    ax.set_ylabel("A label of sixty-seven characters, more than fit beside these axes")


@plots.plot
def long_heading() -> Figure:
    figure, _ = plt.subplots(1, 2, layout="constrained")
    figure.suptitle("A heading of eighty-two characters, which is a bit more than fits over both axes..")
    return figure


@pytest.mark.parametrize("name", ["long_title", "long_label", "long_heading"])
@pytest.mark.parametrize("width", [PHONE, 400, 640])
def test_a_text_that_is_a_little_too_long_is_whole_at_every_size(name: str, width: int) -> None:
    assert min(margins(name, width=width)) >= 1


@plots.plot
def far_too_long(ax: Any) -> None:
    ax.set_title("word " * 40)


def test_of_a_text_that_is_far_too_long_no_more_is_lost_than_in_the_natural_size() -> None:
    assert scale(svg("far_too_long", width=320)) == pytest.approx(0.5)


# --- texts that an artist keeps to itself ------------------------------------------------------


@plots.plot
def table(ax: Any) -> None:
    numbers = [[f"{value:.3f}" for value in np.cos(np.arange(10.0) + row)] for row in range(12)]
    cells = ax.table(numbers, rowLabels=[f"row number {row}" for row in range(12)], loc="upper center")
    cells.auto_set_font_size(False)
    cells.set_fontsize(10)
    ax.axis("off")


@plots.plot
def axisartist() -> Figure:
    from mpl_toolkits import axisartist

    figure = plt.figure(layout="constrained")
    ax = figure.add_subplot(axes_class=axisartist.Axes)
    ax.set_xticks(range(8), [f"group {number}" for number in range(8)])
    return figure


@plots.plot
def quiver_key(ax: Any) -> None:
    x, y = np.meshgrid(range(8), range(8))
    arrows = ax.quiver(x, y, np.cos(x), np.sin(y))
    ax.quiverkey(arrows, 0.15, 1.04, 2, "2 m/s at a height of ten metres", labelpos="E")
    ax.set_title("Wind in July", loc="right")


@plots.plot
def note_under_an_inset(ax: Any) -> None:
    ax.text(0.02, 0.95, "a note of a few words", transform=ax.transAxes, va="top")
    ax.inset_axes([0.5, 0.5, 0.48, 0.48]).set(xticks=[], yticks=[])


@plots.plot
def note_under_other_axes() -> Figure:
    figure, _ = plt.subplots(layout="constrained")
    figure.text(0.03, 0.8, "a note of a few words")
    figure.add_axes((0.5, 0.6, 0.4, 0.35), xticks=[], yticks=[])
    return figure


@plots.plot
def boxed_notes(ax: Any) -> None:
    from matplotlib.offsetbox import AnchoredText

    ax.add_artist(AnchoredText("a note on the left side", loc="upper left"))
    ax.add_artist(AnchoredText("another on the right side", loc="upper right"))


HIDDEN = ["table", "axisartist", "quiver_key", "note_under_an_inset", "note_under_other_axes", "boxed_notes"]


@pytest.mark.parametrize("name", HIDDEN)
def test_texts_have_room_however_their_artist_keeps_them(name: str) -> None:
    assert scale(svg(name, width=320)) < 0.9
    assert scale(svg(name, width=640)) == pytest.approx(1, abs=0.01)


@plots.plot
def surface() -> Figure:
    figure = plt.figure(layout="constrained")
    ax = figure.add_subplot(projection="3d")
    x, y = np.meshgrid(np.linspace(-3, 3, 9), np.linspace(-3, 3, 9))
    colors = ax.plot_surface(x, y, np.sin(x) * np.cos(y), cmap="viridis")
    ax.set(xlabel="the x label", ylabel="the y label", zlabel="the z label")
    figure.colorbar(colors, shrink=0.6)
    return figure


@plots.plot
def bars_in_space() -> Figure:
    figure = plt.figure(layout="constrained")
    ax = figure.add_subplot(projection="3d")
    ax.bar3d([0, 1], [0, 1], [0, 0], 0.5, 0.5, [1, 2])
    ax.set(xlabel="length of the sepals", ylabel="width of the sepals", zlabel="their number")
    return figure


@pytest.mark.parametrize("name", ["surface", "bars_in_space"])
@pytest.mark.parametrize("width", [PHONE, 400])
def test_the_labels_of_axes_in_space_are_whole(name: str, width: int) -> None:
    assert min(margins(name, width=width)) >= 1


def test_a_table_that_made_its_text_smaller_for_a_small_layout_has_it_back_in_a_larger_one() -> None:
    @plots.plot
    def fitted_table(ax: Any) -> None:
        ax.table([[f"value {number}" for number in range(6)]] * 3, loc="center")
        ax.set_title("a title that needs almost all of a natural figure", fontsize=14)

    picture = svg("fitted_table", width=320)
    assert scale(picture) < 0.9
    sizes = {float(size) for size in re.findall(r"font(?:-size)?: ([\d.]+)px[^>]*>value 5<", picture)}
    assert sizes == {10.0}


# --- the scale ---------------------------------------------------------------------------------


@plots.plot
def categories(ax: Any, number: int = 4, word: str = "group") -> None:
    ax.bar([f"{word} {place}" for place in range(number)], range(number))


@plots.plot(min_size=(600, 450))
def declared(ax: Any, number: int = 4, word: str = "group") -> None:
    categories(ax, number, word)


def test_text_has_one_of_three_sizes_whatever_the_data_and_one_where_the_author_says_the_smallest() -> None:
    values = [{"number": 2}, {}, {"number": 6}, {"number": 9}, {"word": "a long name"}]
    assert {round(scale(svg("categories", width=400, **it)), 2) for it in values} <= {1, 0.79, 0.62}
    assert {round(scale(svg("declared", width=400, **it)), 2) for it in values} == {0.67}


def test_a_picture_does_not_depend_on_those_before_it() -> None:
    first = plots.draw("categories", width=400).body
    plots.draw("categories", width=400, number=12)
    assert plots.draw("categories", width=400).body == first


# --- the price ---------------------------------------------------------------------------------


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    """Each drawing of a figure, of which a layout needs one."""
    seen: list[Figure] = []
    draw: Callable[..., None] = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: seen.append(self) or draw(self, renderer))
    return seen


@plots.plot
def grid(side: int = 5) -> Figure:
    figure, axs = plt.subplots(side, side, layout="constrained")
    for ax in axs.flat:
        ax.set(title="a panel", xlabel="time", ylabel="value", xticks=[0, 1], yticks=[0, 1])
    return figure


def test_a_layout_whose_outcome_is_known_is_left_out(drawings: list[Figure]) -> None:
    plots.draw("legend_beside", width=400)
    assert len(drawings) == 2  # one layout, and the picture
    drawings.clear()
    plots.draw("grid", width=PHONE)
    assert len(drawings) == 2  # that of the natural size, which is kept
