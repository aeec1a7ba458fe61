"""Whether a layout is too tight for its text: what overlaps, leaves the figure or covers its axes."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import cos, inf, radians, sin

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from numpy.typing import NDArray

from plotroute.encode.layout import PX, Box, Size

MOST_TEXTS = 1500
"""Texts beyond which nothing is compared (an annotated heatmap of 38 × 38): 1500² pairs take about 20 ms."""

GAP = 1.5
"""CSS pixels that a text keeps free before and after it, so that `100` `200` does not read as `100200`."""

SLACK = 0.5
"""CSS pixels above and below a text that may be shared: its box has room for accents and descenders."""

DEEPER = 0.05
"""Part of a text that may be covered more than in the natural picture, whose own texts may overlap a bit
(dates on a default axis do); glyphs are not placed more exactly than that at 100 dpi."""

MOST_PASSES = 2
"""Layouts of one size until no text leaves the figure: the second knows the ticks of the first."""

LEAST_SHARE = 0.5
"""Axes that get less than this part of their natural share of the figure are squeezed by their labels."""

MOST_LEGEND = 1 / 3
"""Share of its axes that a legend may cover where it covers less in the natural picture."""


EDGE = 1.5
"""CSS pixels between a text and the side of the figure; Matplotlib's engines leave 4 themselves."""

OVERHANG = 4
"""CSS pixels that texts may hang over the figure's sides: the picture is widened by them in the end, and
Matplotlib's engines leave out half a tick label now and then."""

MOST_OVERHANG = 0.1
"""Part of the figure beyond which no picture is widened: such a text was put out of sight on purpose."""

Overhang = NDArray[np.float64]
"""CSS pixels over the left, bottom, right and top side."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A text on the figure (CSS pixels): centre, half its length and height, its direction (radians)."""

    x: float
    y: float
    length: float
    height: float
    angle: float

    @property
    def extent(self) -> tuple[float, float]:
        """Half the width and height of the upright box around it."""
        c, s = abs(cos(self.angle)), abs(sin(self.angle))
        return self.length * c + self.height * s, self.length * s + self.height * c

    @property
    def with_room(self) -> Rectangle:
        """The rectangle that it wants for itself."""
        return replace(self, length=self.length + GAP, height=max(self.height - SLACK, 0.5))

    def is_apart(self, other: Rectangle) -> bool:
        """Whether some direction of this rectangle separates it from `other`."""
        dx, dy = other.x - self.x, other.y - self.y
        for angle, half in ((self.angle, self.length), (self.angle + radians(90), self.height)):
            turn = other.angle - angle
            reach = abs(cos(turn)) * other.length + abs(sin(turn)) * other.height
            if abs(dx * cos(angle) + dy * sin(angle)) >= half + reach:
                return True
        return False


@dataclass(slots=True)
class Reading:
    """What there is to complain about in a layout. Texts are named by what survives a new layout."""

    faults: Counter[tuple[object, ...]] = field(default_factory=Counter)
    depths: dict[tuple[object, ...], float] = field(default_factory=dict)
    """Overlap → how much of the smaller text is covered, at worst."""
    overhangs: dict[object, Overhang] = field(default_factory=dict)
    """Text → how far it hangs over the sides of the figure."""
    unread: bool = False
    """It has too many texts to compare them."""
    shares: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Axes → their part of the figure's width and height."""
    legends: dict[int, float] = field(default_factory=dict)
    """Legend → the part of its axes that it covers."""

    def new_overhang(self, natural: Reading, most: float = inf) -> Overhang:
        """How far texts hang over the sides of the figure that do not in the natural picture.

        Those that hang over by more than `most` (CSS pixels) do not count.
        """
        overhang = np.zeros(4)
        for name, here in self.overhangs.items():
            before = natural.overhangs.get(name)
            if here.max() <= most and (before is None or before.max() <= OVERHANG):
                overhang = np.maximum(overhang, here)
        return overhang

    def is_tighter_than(self, natural: Reading) -> bool:
        """Whether something is wrong here that is not in the natural picture."""
        if self.unread or self.faults - natural.faults or self.new_overhang(natural).max() > OVERHANG:
            return True
        if any(depth > natural.depths.get(it, 0) + DEEPER for it, depth in self.depths.items()):
            return True
        for axes, share in self.shares.items():
            before = natural.shares.get(axes, share)
            if any(now < LEAST_SHARE * then for now, then in zip(share, before, strict=True)):
                return True
        return any(now > max(MOST_LEGEND, natural.legends.get(it, 0)) for it, now in self.legends.items())


def settle(figure: Figure, natural: Size, sizes: Sequence[Size]) -> Box:
    """Lay `figure` out at the first of `sizes` (CSS pixels) where it reads as well as at its natural size.

    That is the last one if no other will do. The layout then stays as it was read: an engine fits ticks
    that it saw before the axes had their new size, so another pass could bring other ones. Returns the
    box of the picture: the figure, and a little more where text hangs over its sides.
    """
    before = read(figure, natural) if len(sizes) > 1 else Reading()
    for size in sizes:
        most = MOST_OVERHANG * min(size)
        for _ in range(MOST_PASSES):
            after = read(figure, size)
            if after.new_overhang(before, most).max() <= OVERHANG:
                break
        if not after.is_tighter_than(before):
            break
    # Not `set_layout_engine("none")`: that leaves an engine behind which does nothing, and for any engine
    # savefig goes through the whole figure once more before it draws (a tenth of the time of a sized plot).
    figure._layout_engine = None  # type: ignore[attr-defined]
    left, bottom, right, top = after.new_overhang(before, most)
    return -left / PX, -bottom / PX, (size[0] + right) / PX, (size[1] + top) / PX


def read(figure: Figure, size: Size) -> Reading:
    """Lay `figure` out at `size` (CSS pixels) and read it."""
    figure.set_size_inches(size[0] / PX, size[1] / PX, forward=False)
    figure.dpi = PX
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        figure.draw_without_rendering()
        texts = list(_texts(figure))
        rectangles = [_rectangle(text) for text, _ in texts]
    reading = Reading()
    # Matplotlib says so when a layout does not work out: axes collapsed to nothing, for example.
    reading.faults[("complaints",)] = len(complaints)
    names = [name for _, name in texts]
    _read_texts(reading, rectangles, names, size)
    _read_axes(reading, figure)
    return reading


def _texts(artist: Artist) -> Iterator[tuple[Text, object]]:
    """Yield the texts that are drawn, each with a name; the tick labels of an axis share one."""
    if not artist.get_visible():
        return
    if isinstance(artist, Text):
        if artist.get_text().strip():
            yield artist, id(artist)
    elif isinstance(artist, Axis):
        low, high = sorted(artist.get_view_interval())
        some = 1e-9 * (high - low)
        for tick in [*artist.get_major_ticks(), *artist.get_minor_ticks()]:
            if low - some <= tick.get_loc() <= high + some:
                for label in (tick.label1, tick.label2):
                    if label.get_visible() and label.get_text().strip():
                        yield label, id(artist)
        yield from _texts(artist.label)
        yield from _texts(artist.get_offset_text())
    else:
        for child in artist.get_children():
            if not (isinstance(child, Axis) and isinstance(artist, Axes) and not artist.axison):
                yield from _texts(child)


def _rectangle(text: Text) -> Rectangle:
    # Text's own method: that of an annotation would add its arrow.
    box = Text.get_window_extent(text)
    angle = text.get_rotation() % 180
    width, height = box.width, box.height
    if abs(angle - 90) < 1:
        width, height = height, width
    elif min(angle, 180 - angle) > 1:
        rotation = text.get_rotation()
        text.set_rotation(0)
        level = Text.get_window_extent(text)
        text.set_rotation(rotation)
        width, height = level.width, level.height
    return Rectangle(
        (box.x0 + box.x1) / 2,
        (box.y0 + box.y1) / 2,
        width / 2,
        height / 2,
        radians(angle),
    )


def _read_texts(reading: Reading, rectangles: list[Rectangle], names: list[object], size: Size) -> None:
    if not rectangles:
        return
    centres = np.array([(r.x, r.y) for r in rectangles])
    extents = np.array([r.extent for r in rectangles])
    overhangs = np.hstack([extents - centres, centres + extents - np.array(size)]) + EDGE
    for index in np.flatnonzero((overhangs > 0).any(axis=1)):
        before = reading.overhangs.get(names[index], 0)
        reading.overhangs[names[index]] = np.maximum(np.maximum(overhangs[index], before), 0)
    if len(rectangles) > MOST_TEXTS:
        reading.unread = True
        return
    rectangles = [rectangle.with_room for rectangle in rectangles]
    extents = np.array([r.extent for r in rectangles])
    distances = np.abs(centres[:, None] - centres[None, :])
    near = (distances < extents[:, None] + extents[None, :]).all(axis=2)
    for one, two in np.argwhere(np.triu(near, 1)):
        a, b = rectangles[one], rectangles[two]
        if not (a.is_apart(b) or b.is_apart(a)):
            pair = sorted((names[one], names[two]), key=str)
            reading.faults[("overlap", *pair)] += 1
            shared = np.minimum(extents[one], extents[two]) * 2
            shared = np.minimum(shared, extents[one] + extents[two] - distances[one, two])
            areas = 4 * extents[[one, two]].prod(axis=1)
            deepest = reading.depths.get(("overlap", *pair), 0.0)
            reading.depths[("overlap", *pair)] = max(deepest, float(shared.prod() / areas.min()))


def _read_axes(reading: Reading, figure: Figure) -> None:
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        slot = axes.get_position(original=True)
        reading.shares[id(axes)] = (slot.width, slot.height)
        for legend in axes.findobj(Legend, include_self=False):
            if legend.get_visible():
                here, there = axes.get_window_extent(), legend.get_window_extent()
                across = max(0.0, min(here.x1, there.x1) - max(here.x0, there.x0))
                upwards = max(0.0, min(here.y1, there.y1) - max(here.y0, there.y0))
                reading.legends[id(legend)] = across * upwards / max(here.width * here.height, 1)
