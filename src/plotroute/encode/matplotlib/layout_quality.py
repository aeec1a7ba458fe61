"""Read a layout: where its texts, axes and legends lie, and what is worse than in another layout."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from numpy.typing import NDArray

from plotroute.encode.geometry import PX, Size
from plotroute.encode.matplotlib.drawn_texts import Drawn, Rectangle, all_axes, drawn_texts

MOST_TEXTS = 1500
"""Most texts of a figure (an annotated heatmap of 38 × 38); with more, nothing is compared. 1500² pairs take
about 20 ms."""

DEEPER = 0.05
"""Part of a text that may be covered beyond the natural picture, whose own texts may overlap a bit (dates on
a default axis do). At 100 dpi glyphs are not placed more exactly than that."""

LEAST_SHARE = 0.5
"""Part of its natural share of the figure below which an axes counts as squeezed by its labels."""

MOST_LEGEND = 1 / 3
"""Share of its axes that a legend may take if it takes less in the natural picture."""

EDGE = 1.5
"""CSS pixels to keep free between a text and the side of the figure; Matplotlib's engines leave 4."""

OVERHANG = 4
"""CSS pixels that texts may hang over the figure's sides beyond the natural picture: the picture is widened
by them in the end, and Matplotlib's engines leave out half a tick label now and then."""

WIDER = 0.02
"""Part of the longer side that texts may hang over as well: the widened picture has larger text than a new
layout."""

PAD = 4
"""CSS pixels that engines leave free beside a text (3 pt)."""

Sides = NDArray[np.float64]
"""CSS pixels over the left, bottom, right and top side."""


@dataclass(slots=True)
class Reading:
    """The faults of a layout. Texts are identified by objects that survive a new layout."""

    size: Size = (0, 0)
    """CSS pixels of the figure."""
    faults: Counter[tuple[object, ...]] = field(default_factory=Counter)
    depths: dict[tuple[object, ...], float] = field(default_factory=dict)
    """Overlap → how much of the smaller text is covered, at worst; text under other axes → how much of it;
    text in a cell, legend on axes → how much of it lies beside them."""
    overhangs: dict[object, Sides] = field(default_factory=dict)
    """Text or legend → how far it hangs over the sides of the figure, by its own size at most."""
    unread: bool = False
    """The layout has too many texts to compare them."""
    is_collapsed: bool = False
    """The layout engine has given up, because no room was left for axes."""
    shares: dict[object, tuple[float, float]] = field(default_factory=dict)
    """Axes → their part of the figure's width and height."""
    legends: dict[object, float] = field(default_factory=dict)
    """Legend → its area as a part of the area of its axes, if it lies on them.
    Legend of the figure and axes → the part of the axes under it."""
    fixed: Size = (0, 0)
    """CSS pixels, across and upwards, that texts take beside the axes: the same in a smaller figure."""
    longest: Size = (0, 0)
    """CSS pixels, across and upwards, of the largest text that is the same at all sizes (no tick label)."""

    def overhang(self, most: float, natural: Reading | None = None) -> Sides:
        """Return how far (CSS pixels) texts hang over each side of the figure.

        Args:
            most: Texts that hang over by more than this are left out.
            natural: A reading whose overhang is subtracted, if any.
        """
        sides = np.zeros(4)
        for name, here in self.overhangs.items():
            before = 0 if natural is None else natural.overhangs.get(name, 0)
            if here.max() <= most:
                sides = np.maximum(sides, here - before)
        return sides

    def is_wider_than(self, natural: Reading, most: float = np.inf) -> bool:
        """Whether texts hang over the sides so much more that the picture is not to be widened by them."""
        return bool(self.overhang(most, natural).max() > max(OVERHANG, WIDER * max(self.size)))

    def is_tighter_than(self, natural: Reading) -> bool:
        """Whether something is wrong here that is right, or less wrong, in the natural picture."""
        return self.is_wider_than(natural) or self.is_worse_inside_than(natural)

    def is_worse_inside_than(self, natural: Reading) -> bool:
        """Whether something is wrong inside of the figure; overhang at the sides does not count."""
        if self.unread or self.faults - natural.faults:
            return True
        if any(depth > natural.depths.get(it, 0) + DEEPER for it, depth in self.depths.items()):
            return True
        for axes, share in self.shares.items():
            before = natural.shares.get(axes, share)
            if any(now < LEAST_SHARE * then for now, then in zip(share, before, strict=True)):
                return True
        return any(
            now > max(MOST_LEGEND, natural.legends.get(it, 0) + DEEPER) for it, now in self.legends.items()
        )

    def is_flawless(self) -> bool:
        """Whether nothing is wrong, whatever the natural picture is like: it need not be laid out."""
        return not self.is_tighter_than(self.ideal())

    def ideal(self) -> Reading:
        """Return a reading better than that of any natural picture: its axes have all of the figure."""
        return Reading(shares=dict.fromkeys(self.shares, (1.0, 1.0)))

    def rules_out(self, size: Size) -> bool:
        """Whether a layout at `size` is certain to be tighter than this layout at the natural size.

        Texts keep their size, so the longest text must have room, and the axes lose the room that texts take.
        """
        if self.unread or self.is_collapsed:
            return True
        for taken, longest, whole, less in zip(self.fixed, self.longest, self.size, size, strict=True):
            if longest > max(whole, less + max(OVERHANG, WIDER * max(size))):
                return True
            if less < whole and (1 - taken / less) < LEAST_SHARE * (1 - taken / whole):
                return True
        return False


def read(figure: Figure, size: Size) -> Reading:
    """Lay `figure` out at `size` (CSS pixels) and read it."""
    figure.set_size_inches(size[0] / PX, size[1] / PX, forward=False)
    figure.dpi = PX
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        texts = drawn_texts(figure)
    reading = Reading(size)
    # Matplotlib says so when a layout does not work out: axes collapsed to nothing, for example.
    reading.faults[("complaints",)] = len(complaints)
    reading.is_collapsed = any("layout not applied" in str(it.message) for it in complaints)
    if texts:
        _read_overhangs(reading, texts, size)
        _read_room(reading, texts, figure, size)
    reading.unread = len(texts) > MOST_TEXTS
    if texts and not reading.unread:
        _read_overlaps(reading, texts)
        _read_covered(reading, texts, all_axes(figure))
    for axes in figure.axes:
        if axes.get_visible():
            slot = axes.get_position(original=True)
            reading.shares[id(axes)] = (slot.width, slot.height)
            _read_cells(reading, axes)
    _read_legends(reading, figure, size)
    return reading


def _boxes(rectangles: Sequence[Rectangle]) -> tuple[Sides, Sides]:
    """Return the centres and half sizes of the upright boxes around `rectangles`."""
    return (
        np.array([(rectangle.x, rectangle.y) for rectangle in rectangles]),
        np.array([rectangle.extent for rectangle in rectangles]),
    )


def _read_overhangs(reading: Reading, texts: Sequence[Drawn], size: Size) -> None:
    centres, extents = _boxes([text.rectangle for text in texts])
    _note_overhangs(reading, [text.name for text in texts], centres, extents, size)


def _note_overhangs(
    reading: Reading, names: Sequence[object], centres: Sides, extents: Sides, size: Size
) -> None:
    over = np.hstack([extents - centres, centres + extents - np.array(size)]) + EDGE
    over = np.clip(over, 0, 2 * np.hstack([extents, extents]))  # a text outside is lost as a whole
    for index in np.flatnonzero(over.any(axis=1)).tolist():
        before = reading.overhangs.get(names[index], 0)
        reading.overhangs[names[index]] = np.maximum(over[index], before)


def _read_room(reading: Reading, texts: Sequence[Drawn], figure: Figure, size: Size) -> None:
    centres, extents = _boxes([text.rectangle for text in texts])
    axes = [axes.bbox.extents for axes in figure.axes if axes.get_visible()]
    stays = [text.is_fixed for text in texts]
    fixed, longest = [], []
    for side in (0, 1):
        spans = [(float(box[side]), float(box[side + 2])) for box in axes]
        low, high = (centres - extents)[:, side].tolist(), (centres + extents)[:, side].tolist()
        covered = [*spans, *((one - PAD, other + PAD) for one, other in zip(low, high, strict=True))]
        fixed.append(_length(covered, size[side]) - _length(spans, size[side]))
        longest.append(2 * max(extents[stays, side], default=0.0))
    reading.fixed = (fixed[0], fixed[1])
    reading.longest = (longest[0], longest[1])


def _length(spans: Sequence[tuple[float, float]], most: float) -> float:
    """Return how much of 0 … `most` is covered by `spans`."""
    length, end = 0.0, 0.0
    for low, high in sorted(spans):
        low, high = max(low, end), min(high, most)
        if high > low:
            length, end = length + high - low, high
    return length


def _read_overlaps(reading: Reading, texts: Sequence[Drawn]) -> None:
    rectangles = [text.rectangle.with_room for text in texts]
    centres, extents = _boxes(rectangles)
    distances = np.abs(centres[:, None] - centres[None, :])
    near = (distances < extents[:, None] + extents[None, :]).all(axis=2)
    for one, two in np.argwhere(np.triu(near, 1)):
        a, b = rectangles[one], rectangles[two]
        if not (a.is_apart(b) or b.is_apart(a)):
            pair = sorted((texts[one].name, texts[two].name), key=str)
            reading.faults[("overlap", *pair)] += 1
            shared = np.minimum(extents[one], extents[two]) * 2
            shared = np.minimum(shared, extents[one] + extents[two] - distances[one, two])
            areas = 4 * extents[[one, two]].prod(axis=1)
            _deepen(reading, ("overlap", *pair), float(shared.prod() / areas.min()))


def _read_covered(reading: Reading, texts: Sequence[Drawn], axes: Sequence[Axes]) -> None:
    """Read which texts lie on axes that are not theirs: a note under an inset, a label on a colorbar."""
    centres, extents = _boxes([text.rectangle for text in texts])
    low, high = centres - extents, centres + extents
    areas = np.maximum((high - low).prod(axis=1), 1e-9)
    for other in axes:
        box = other.bbox.extents
        shared = np.minimum(high, box[2:]) - np.maximum(low, box[:2])
        parts = np.where((shared > 0).all(axis=1), shared.prod(axis=1), 0) / areas
        for index in np.flatnonzero(parts > DEEPER).tolist():
            if texts[index].is_foreign_to(other):
                _deepen(reading, ("covered", texts[index].name, id(other)), float(parts[index]))


def _read_cells(reading: Reading, axes: Axes) -> None:
    for cell in (cell for table in axes.tables for cell in table.get_celld().values()):
        text = cell.get_text()
        if text.get_text().strip():
            there = text.get_window_extent()
            _deepen(reading, ("beside", id(cell)), 1 - _part_inside(there, cell.get_window_extent()))


def _part_inside(box: Any, other: Any) -> float:
    """Return the part of `box` that lies in `other`."""
    across = max(0.0, min(box.x1, other.x1) - max(box.x0, other.x0))
    upwards = max(0.0, min(box.y1, other.y1) - max(box.y0, other.y0))
    return float(across * upwards / max(box.width * box.height, 1e-9))


def _read_legends(reading: Reading, figure: Figure, size: Size) -> None:
    legends: list[tuple[Any, Axes | None]] = [(legend, None) for legend in figure.legends]
    every = all_axes(figure)
    for parent in every:
        legends += [(it, parent) for it in parent.get_children() if isinstance(it, Legend)]
    for legend, axes in legends:
        if not legend.get_visible():
            continue
        there = legend.get_window_extent()
        centre = np.array([[(there.x0 + there.x1) / 2, (there.y0 + there.y1) / 2]])
        extent = np.array([[there.width / 2, there.height / 2]])
        _note_overhangs(reading, [id(legend)], centre, extent, size)
        if axes is None:
            for other in every:
                reading.legends[id(legend), id(other)] = _part_inside(other.bbox, there)
            continue
        inside = _part_inside(there, axes.bbox)
        if inside > DEEPER:  # else the author put it beside the axes
            _deepen(reading, ("beside", id(legend)), 1 - inside)
            area = axes.bbox.width * axes.bbox.height
            reading.legends[id(legend)] = there.width * there.height / max(area, 1)


def _deepen(reading: Reading, name: tuple[object, ...], depth: float) -> None:
    reading.depths[name] = max(depth, reading.depths.get(name, 0.0))
