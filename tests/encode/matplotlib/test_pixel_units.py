"""Figures in which something is measured in pixels: every size and density shows one picture."""

from __future__ import annotations

import io
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import offset_copy
from PIL import Image

from plotroute import Plots

plots = Plots()


@plots.plot
def logo(ax: Any) -> None:
    ax.plot([1, 3, 2])
    ax.figure.figimage(np.full((60, 60, 3), (255, 0, 0), np.uint8), 500, 380)


@plots.plot
def finished_logo() -> Figure:
    figure, ax = plt.subplots(dpi=150)
    ax.plot([1, 3, 2])
    figure.figimage(np.full((60, 60, 3), (255, 0, 0), np.uint8), 500, 380)
    return figure


@plots.plot
def arrow(ax: Any) -> None:
    ax.annotate(
        "here",
        (120, 120),
        (400, 300),
        xycoords="figure pixels",
        textcoords="figure pixels",
        arrowprops={"facecolor": "red", "width": 12},
    )


@plots.plot
def untransformed(ax: Any) -> None:
    ax.figure.add_artist(Line2D([100, 500], [100, 400], transform=None, color="red", lw=12))


@plots.plot
def dots(ax: Any) -> None:
    ax.text(
        0.2, 0.2, "▪", color="red", size=40, transform=offset_copy(ax.transData, ax.figure, 150, 90, "dots")
    )


@plots.plot
def offset_pixels(ax: Any) -> None:
    ax.annotate("▪", (0.2, 0.2), (150, 90), textcoords="offset pixels", color="red", size=40)


@plots.plot
def shadow(ax: Any) -> None:
    edges = {"edgecolor": "black", "linewidth": 3}
    ax.pie([3, 2, 1], shadow={"ox": -0.1, "oy": -0.1}, colors=["white"], explode=[0.1] * 3, wedgeprops=edges)


def picture(name: str, **options: Any) -> Image.Image:
    return Image.open(io.BytesIO(plots.draw(name, **options).body)).convert("RGB")


def red(image: Image.Image) -> np.ndarray:
    """Where the red things are: their left, top, right and bottom, as parts of the picture."""
    r, g, b = np.moveaxis(np.asarray(image).astype(int), 2, 0)
    rows, columns = np.nonzero((r > 180) & (g < 120) & (b < 120))
    height, width = r.shape
    sides = [columns.min() / width, rows.min() / height, columns.max() / width, rows.max() / height]
    return np.array(sides)


@pytest.mark.parametrize("name", ["logo", "finished_logo", "arrow", "untransformed", "dots", "offset_pixels"])
def test_what_is_measured_in_pixels_lies_where_it_does_without_wishes(name: str) -> None:
    expected = red(picture(name))
    for options in ({"width": 320}, {"width": 320, "dpr": 2}, {"width": 1200}, {"dpr": 3}):
        assert red(picture(name, **options)) == pytest.approx(expected, abs=0.012)


def test_the_shadow_of_a_pie_is_as_long_at_every_density() -> None:
    def grey(**options: Any) -> float:
        values = np.asarray(picture("shadow", **options).convert("L")).astype(int)
        return float(((values > 60) & (values < 200)).mean())

    one, two, three = grey(width=640), grey(width=640, dpr=2), grey(width=640, dpr=4)
    assert one > 0.01
    assert [two, three] == pytest.approx([one, one], rel=0.15)


def test_a_pie_with_a_shadow_is_as_sharp_as_any_other() -> None:
    edges = np.abs(np.diff(np.asarray(picture("shadow", width=640, dpr=4).convert("L")).astype(int)))
    assert edges.max() > 200


@pytest.mark.parametrize("size", [{"width": 320, "height": 200, "dpr": 1.5}, {"width": 77, "height": 500}])
@pytest.mark.parametrize("format", ["png", "webp", "jpg"])
def test_its_size_is_exact(size: dict[str, float], format: str) -> None:
    image = picture("logo", format=format, **size)
    density = size.get("dpr", 1)
    assert image.size == (size["width"] * density, size["height"] * density)
