"""Compute the size contract: which box a request names, and where a picture lies in it. Pure numbers.

A CSS pixel is 1/100 inch. Boxes are (left, bottom, right, top) in inches of the figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from plotroute.encode.base import Target

PX = 100
"""CSS pixels per inch: Matplotlib's default dpi, so savefig gives a default figure at dpr 1."""

LEAST_LAYOUT = 320
"""CSS pixels of the longer side below which no layout is tried: a phone's width. Below it, text of 10 pt
takes more than a twentieth of the picture, and axes collapse."""

MOST_SCALING = 8
"""A layout larger than this many times the requested box is of no use (10 pt text would be under 2 px). A
box that needs such a layout has another shape than the picture, which is fitted into the box as it is."""

MOST_LAYOUT = 16_000_000
"""Most CSS pixels of a layout larger than the requested box: measuring text takes 4 bytes for each."""

WORTH_READING = 1.25
"""Text that is this many times larger is worth the layout passes that find out whether it has room."""

Size = tuple[float, float]
Box = tuple[float, float, float, float]


def is_sized(target: Target) -> bool:
    """Whether the request or the author names a size."""
    options = target.options
    return any(wish is not None for wish in (options.width, options.height, options.dpr, target.size))


def asked_box(target: Target, natural: Size) -> tuple[int, int]:
    """Return the size (CSS pixels) of the picture that `target` names.

    Args:
        target: The wishes of the request and the author.
        natural: The picture's own size (CSS pixels). The author's `size` takes its place.
    """
    options = target.options
    own_width, own_height = target.size or natural
    width, height = options.width, options.height
    if width is None and height is None:
        width, height = round(own_width), round(own_height)
    elif width is None and height is not None:
        width = round(height * own_width / own_height)
    elif height is None and width is not None:
        height = round(width * own_height / own_width)
    return max(1, width or 0), max(1, height or 0)


def pixels(asked: tuple[int, int], dpr: float | None) -> tuple[int, int]:
    """Return the device pixels of a box in CSS pixels."""
    return max(1, round(asked[0] * (dpr or 1))), max(1, round(asked[1] * (dpr or 1)))


def layouts(asked: Size, natural: Size, minimum: Size | None) -> Sequence[Size]:
    """Return the sizes (CSS pixels) at which to try the layout of a picture for a box, smallest first.

    The last size is always good enough: nothing in it is tighter than in the natural picture, or the author
    wants it.

    Args:
        asked: The requested box (CSS pixels).
        natural: The picture's own size (CSS pixels).
        minimum: The size (CSS pixels) below which the author wants the picture scaled, if any.
    """
    enough = minimum or natural
    most = max(1.0, enough[0] / asked[0], enough[1] / asked[1])
    if most > MOST_SCALING or (most > 1 and asked[0] * asked[1] * most**2 > MOST_LAYOUT):
        return [enough]
    least = max(1.0, LEAST_LAYOUT / max(asked))
    if minimum or most < WORTH_READING * least:
        return [(asked[0] * most, asked[1] * most)]
    scales = (least, sqrt(least * most), most)
    return [(asked[0] * scale, asked[1] * scale) for scale in scales]


@dataclass(frozen=True, slots=True)
class Placement:
    """The place of a figure's content in the finished picture: scaled to fit, centred."""

    content: Box
    asked: tuple[int, int]
    """CSS pixels of the picture."""
    pixels: tuple[int, int]
    """Its device pixels."""

    @property
    def scale(self) -> float:
        """Inches of the picture for an inch of the figure."""
        left, bottom, right, top = self.content
        return min(self.asked[0] / PX / (right - left), self.asked[1] / PX / (top - bottom))

    @property
    def dpi(self) -> float:
        """Device pixels for an inch of the figure."""
        left, bottom, right, top = self.content
        return min(self.pixels[0] / (right - left), self.pixels[1] / (top - bottom))

    @property
    def content_pixels(self) -> tuple[int, int]:
        """Device pixels of the content."""
        left, bottom, right, top = self.content
        wide, high = round((right - left) * self.dpi), round((top - bottom) * self.dpi)
        return max(1, min(self.pixels[0], wide)), max(1, min(self.pixels[1], high))

    @property
    def padding(self) -> tuple[float, float]:
        """Inches of the figure's plane to the left (and right) of the content, and above (and below) it."""
        left, bottom, _, _ = self.content
        return max(0.0, left - self.page[0]), max(0.0, bottom - self.page[1])

    @property
    def is_padded(self) -> bool:
        """Whether there is more padding than rounding makes."""
        return max(self.padding) * self.dpi > 0.5

    @property
    def page(self) -> Box:
        """The part of the figure's plane that is the picture, padding included."""
        return around(self.content, self.asked[0] / PX / self.scale, self.asked[1] / PX / self.scale)


def around(box: Box, width: float, height: float) -> Box:
    """Return the box of that size (inches) with the centre of `box`."""
    left, bottom, right, top = box
    x, y = (left + right) / 2, (bottom + top) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def raster_box(box: Box, pixels: tuple[int, int], dpi: float) -> Box:
    """Return the box around the centre of `box` that has exactly these pixels at `dpi`.

    Backends cut the product of size and dpi to a whole number: a thousandth of a pixel more keeps
    1279.9999 from losing one.
    """
    return around(box, (pixels[0] + 0.001) / dpi, (pixels[1] + 0.001) / dpi)
