from __future__ import annotations

import numpy as np
import pytest

from plotroute.encode.matplotlib.contrast import contrast, luminance, luminances, mirrored, readable

WHITE, BLACK, PAPER = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.086, 0.098, 0.114)
INKS = [(0.1, 0.12, 0.14), (0.9, 0.91, 0.93)]


def on(*colors: tuple[float, float, float]) -> np.ndarray:
    return np.array([luminance(color) for color in colors])


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(luminance(BLACK), luminance(WHITE)) == pytest.approx(21)
    grey = luminance((0x76 / 255,) * 3)  # the darkest grey of WCAG's examples that passes on white
    assert contrast(grey, 1.0) == pytest.approx(4.54, abs=0.01)


def test_pixels_that_can_be_seen_through_show_the_paper() -> None:
    pixels = np.array([[255, 255, 255, 255], [255, 255, 255, 0], [0, 0, 0, 128]], np.uint8)
    assert luminances(pixels, BLACK) == pytest.approx([1, 0, 0])
    assert luminances(pixels, WHITE)[1:] == pytest.approx([1, 0.21], abs=0.01)


@pytest.mark.parametrize("color", [WHITE, (0.9, 0.9, 0.2), (0.35, 0.66, 0.9), (0.5, 0.5, 0.5)])
def test_what_can_be_read_stays(color: tuple[float, float, float]) -> None:
    assert readable(color, on(PAPER), INKS) is None


@pytest.mark.parametrize("behind", [(v, v, v) for v in np.linspace(0, 1, 21)])
@pytest.mark.parametrize("color", [BLACK, WHITE, (0, 0, 0.5), (0.5, 0, 0), (1, 1, 0), (0.4, 0.4, 0.4)])
def test_what_is_given_can_be_read_on_every_grey(
    color: tuple[float, float, float], behind: tuple[float, float, float]
) -> None:
    new = readable(color, on(behind), INKS) or color
    assert contrast(luminance(new), luminance(behind)) >= 3


def test_a_colour_keeps_its_hue_and_a_grey_becomes_ink() -> None:
    navy = readable((0, 0, 0.5), on(PAPER), INKS)
    assert navy is not None
    assert navy[2] > navy[0] + 0.1
    assert readable((0.1, 0.1, 0.1), on(PAPER), INKS) == INKS[1]


def test_a_text_across_black_and_white_stays_since_no_colour_is_better() -> None:
    assert readable(BLACK, on(BLACK, WHITE), INKS) is None


def test_a_grid_line_behind_a_text_does_not_count() -> None:
    assert readable(WHITE, on(*[PAPER] * 19, WHITE), INKS) is None


def test_greys_stand_out_as_they_did_on_white() -> None:
    black, dark = (mirrored((v, v, v), 1, WHITE, PAPER, INKS[1]) for v in (0.0, 0.2))
    assert black is not None
    assert dark is not None
    assert luminance(black) > luminance(dark) > luminance((0.6, 0.6, 0.6))
    for seen_as_it_is in ((0.5, 0.5, 0.5), (0.8, 0.8, 0.8), (0, 0, 0.5)):
        assert mirrored(seen_as_it_is, 1, WHITE, PAPER, INKS[1]) is None


def test_areas_stand_out_less_and_keep_their_order() -> None:
    black, dark = (mirrored((v, v, v), 1, WHITE, PAPER, INKS[1], area=True) for v in (0.0, 0.2))
    assert black is not None
    assert dark is not None
    assert luminance((0.8, 0.8, 0.8)) > luminance(black) > luminance(dark)
    assert contrast(luminance(dark), luminance(PAPER)) >= 2
