from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure
from PIL import Image

from plotroute.encode.png import palette
from plotroute.encode.png.palette import reduced
from plotroute.encode.png.writer import encode_png

NUMBERS = np.random.default_rng(1)


def drawn(figure: Figure, dpi: int = 100) -> Any:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return np.asarray(Image.open(file).convert("RGBA"))


def heatmap() -> Any:
    figure = Figure(layout="constrained", facecolor="#eaeaf2")
    ax = figure.subplots()
    y, x = np.mgrid[-3:3:300j, -3:3:300j]
    figure.colorbar(ax.imshow(np.sin(x * y) + x, interpolation="bilinear"))
    ax.set_title("A surface")
    return drawn(figure)


def scatter() -> Any:
    figure = Figure(layout="constrained", facecolor="#16191d")
    figure.subplots().scatter(*NUMBERS.normal(size=(2, 3000)), c=NUMBERS.random(3000), alpha=0.5)
    return drawn(figure)


def noise(height: int, width: int) -> Any:
    return NUMBERS.integers(0, 256, (height, width, 4), dtype=np.uint8)


def colours(rgba: Any) -> int:
    return len(np.unique(rgba.reshape(-1, 4), axis=0))


def test_a_picture_of_few_colours_is_itself() -> None:
    rgba = noise(16, 16)
    assert reduced(rgba) is rgba


@pytest.mark.parametrize("make", [heatmap, scatter, lambda: noise(200, 300), lambda: noise(1, 257)])
def test_there_are_256_colours_at_most_and_the_file_has_a_palette(make: Any) -> None:
    found = reduced(make())
    assert colours(found) <= 256
    assert Image.open(io.BytesIO(encode_png(found))).mode == "P"


@given(arrays(np.uint8, (20, 20, 4)))
def test_any_picture_keeps_its_shape(rgba: Any) -> None:
    found = reduced(rgba)
    assert (found.shape, found.dtype) == (rgba.shape, rgba.dtype)
    assert colours(found) <= 256


def test_the_same_pixels_become_the_same() -> None:
    rgba = noise(200, 200)
    assert np.array_equal(reduced(rgba), reduced(rgba.copy()))


def test_a_heatmap_keeps_its_colours_to_a_hundredth() -> None:
    rgba = heatmap()
    assert colours(rgba) > 256
    difference = np.abs(reduced(rgba).astype(int) - rgba)
    assert difference.max() <= 8
    assert difference.mean() < 1


@pytest.mark.parametrize("make", [heatmap, scatter])
def test_areas_keep_their_colour_exactly(make: Any) -> None:
    rgba = make()
    found = reduced(rgba)
    background = (rgba == rgba[0, 0]).all(axis=2)
    assert background.mean() > 0.1
    assert (found[background] == rgba[0, 0]).all()


def test_a_picture_of_more_colours_than_are_compared_keeps_them_near() -> None:
    rgba = scatter()
    assert colours(rgba) > palette.MOST_KNOWN
    assert np.abs(reduced(rgba).astype(int) - rgba).mean() < 4


def test_alpha_is_kept_and_what_is_clear_stays_clear() -> None:
    rgba = noise(100, 100)
    rgba[:40, :, 3] = 0
    rgba[40:80, :, 3] = 255
    found = reduced(rgba)
    assert (found[:40, :, 3] == 0).all()
    assert found[40:80, :, 3].min() > 200


@given(st.sampled_from(palette.COARSER), st.integers(0, 255))
def test_none_and_all_of_a_channel_are_never_rounded(bits: int, value: int) -> None:
    pixel = np.array([[0, 255, value, 255]], np.uint8).view("<u4")
    red, green, blue, alpha = palette._coarse(pixel, bits, np.empty(0, "<u4")).view(np.uint8)[0]
    assert (red, green, alpha) == (0, 255, 255)
    assert abs(int(blue) - value) <= 255 / (2**bits - 1) / 2 + 1
