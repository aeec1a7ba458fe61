from __future__ import annotations

import pytest

from plotroute.encode.base import Target
from plotroute.encode.geometry import Placement, asked_box, layouts, pixels, raster_box
from plotroute.model import Options


@pytest.mark.parametrize(
    ("options", "size", "expected"),
    [
        (Options(width=320), None, (320, 240)),
        (Options(height=240), None, (320, 240)),
        (Options(width=100, height=900), None, (100, 900)),
        (Options(dpr=2), None, (640, 480)),
        (Options(), (300, 100), (300, 100)),
        (Options(width=30), (300, 100), (30, 10)),
        (Options(width=1), (3000, 1), (1, 1)),
    ],
)
def test_asked_box(options: Options, size: tuple[int, int] | None, expected: tuple[int, int]) -> None:
    assert asked_box(Target(options=options, size=size), (640, 480)) == expected


def test_device_pixels_are_rounded() -> None:
    assert pixels((101, 33), 1.5) == (round(151.5), round(49.5))
    assert pixels((1, 1), None) == (1, 1)


def test_at_its_natural_size_or_more_it_is_laid_out_as_asked() -> None:
    assert layouts((800, 600), (640, 480), None) == [(800, 600)]
    assert layouts((640, 480), (640, 480), None) == [(640, 480)]


def test_a_thumbnail_is_tried_at_a_phone_s_width_first_and_at_the_natural_scale_last() -> None:
    first, between, last = layouts((160, 120), (640, 480), None)
    assert first == (320, 240)
    assert first < between < last == (640, 480)


def test_the_author_s_min_size_decides_alone() -> None:
    assert layouts((160, 120), (640, 480), (320, 200)) == [(320, 240)]
    assert layouts((400, 300), (640, 480), (320, 200)) == [(400, 300)]


def test_a_box_of_another_shape_is_laid_out_in_its_own_until_that_is_absurd() -> None:
    assert layouts((800, 200), (640, 480), None)[-1] == (1920, 480)
    assert layouts((1, 10_000), (640, 480), None) == [(640, 480)]
    assert layouts((8_000, 61), (640, 480), None) == [(640, 480)]


def test_content_is_scaled_to_fit_and_centred() -> None:
    placement = Placement((0, 0, 6.4, 4.8), (200, 100), (400, 200))
    assert placement.scale == pytest.approx(1 / 4.8)
    assert placement.dpi == pytest.approx(200 / 4.8)
    assert placement.page == pytest.approx((-1.6, 0, 8, 4.8))


def test_pixels_survive_being_cut_to_whole_numbers() -> None:
    for dpi in (33.3, 71.9, 100, 123.456):
        for wide in range(1, 3000, 7):
            left, _, right, _ = raster_box((0.1, 0, 5.3, 4), (wide, 5), dpi)
            assert int((right - left) * dpi) == wide
