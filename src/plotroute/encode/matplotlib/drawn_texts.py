"""Collect the texts of a figure as they are drawn: where each lies, and to which axes it belongs.

An artist may hide texts (the cells of a table, the label of a quiver key, the tick labels of `axisartist`),
move a text while it draws, or draw a text many times. So the texts are not read from the artists: the figure
is drawn without rendering, and a replacement of `Text.draw` notes each text.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from math import cos, isfinite, radians, sin
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from plotroute.encode.matplotlib.replaced import replaced

GAP = 1.5
"""CSS pixels to keep free before and after a text, so that `100` `200` does not read as `100200`."""

SLACK = 0.5
"""CSS pixels above and below a text that others may share: its box has room for accents and descenders."""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """The place of a text (CSS pixels): centre, half its length and height, its direction (radians)."""

    x: float
    y: float
    length: float
    height: float
    angle: float

    @property
    def extent(self) -> tuple[float, float]:
        """Half the width and height of the upright box around the rectangle."""
        c, s = abs(cos(self.angle)), abs(sin(self.angle))
        return self.length * c + self.height * s, self.length * s + self.height * c

    @property
    def with_room(self) -> Rectangle:
        """The rectangle that the text needs for itself."""
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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A text that was drawn once."""

    name: object
    """What survives a new layout: the text, or for a tick's label its axis, which may get other ticks."""
    rectangle: Rectangle
    is_fixed: bool
    """Whether the text has the same size at every size of the figure."""
    axes: tuple[Axes, ...]
    """The axes that were being drawn, an inset after its parent; none for a text of the figure."""

    def is_foreign_to(self, other: Axes) -> bool:
        """Whether `other` are neither axes of this text nor twins of its axes."""
        return other not in self.axes and all(
            axes.get_position(original=True).bounds != other.get_position(original=True).bounds
            for axes in self.axes
        )


def all_axes(figure: Figure) -> list[Axes]:
    """Return the visible axes of `figure`, insets included."""
    found: list[Axes] = []
    waiting: list[Any] = list(figure.axes)
    while waiting:
        axes = waiting.pop()
        if axes.get_visible():
            found.append(axes)
            waiting += axes.child_axes
    return found


def drawn_texts(figure: Figure) -> list[Drawn]:
    """Lay `figure` out, draw it without rendering, and return every text that a user would see."""
    axes = all_axes(figure)
    noted: list[tuple[Text, Rectangle, tuple[Axes, ...]]] = []
    with _note_axes(axes) as drawing, _note_texts(figure, noted, drawing):
        figure.draw_without_rendering()
    of_ticks = _tick_labels(axes)
    drawn = []
    for text, rectangle, own in noted:
        axis = of_ticks.get(id(text))
        drawn.append(Drawn(axis or id(text), rectangle, axis is None and not text.get_wrap(), own))
    return drawn


@contextmanager
def _note_axes(all_of_them: Sequence[Axes]) -> Iterator[list[Axes]]:
    """Keep a list of the axes that are being drawn: their texts need not know their axes."""
    drawing: list[Axes] = []

    def noting(axes: Any) -> Any:
        draw = axes.draw

        @functools.wraps(draw)
        def draw_noted(*args: Any, **kwargs: Any) -> None:
            drawing.append(axes)
            try:
                draw(*args, **kwargs)
            finally:
                drawing.pop()

        return draw_noted

    # On the objects, because `Axes3D` draws its axis before it calls the method of its class.
    own = [axes for axes in all_of_them if "draw" not in vars(axes)]
    with ExitStack() as stack:
        for axes in own:
            stack.enter_context(replaced(axes, draw=noting(axes)))
        yield drawing


@contextmanager
def _note_texts(figure: Figure, noted: list[Any], drawing: list[Axes]) -> Iterator[None]:
    """Note every text of `figure` in `noted` instead of drawing it, with the axes that are being drawn."""
    draw = Text.draw

    @functools.wraps(draw)
    def note(text: Text, renderer: Any, *args: Any, **kwargs: Any) -> None:
        if text.get_figure(root=True) is not figure:
            draw(text, renderer, *args, **kwargs)
        elif text.get_visible() and text.get_text().strip():
            rectangle = _rectangle(text, renderer)
            if rectangle is not None:
                noted.append((text, rectangle, tuple(drawing)))

    with replaced(Text, draw=note):
        yield


def _rectangle(text: Text, renderer: Any) -> Rectangle | None:
    """Return where `text` lies; None if it is nowhere, or clipped away as a whole."""
    # Text's own method: that of an annotation would add its arrow.
    box = Text.get_window_extent(text, renderer)
    if not all(isfinite(side) for side in box.extents):
        return None
    clip = text.get_clip_box() if text.get_clip_on() else None
    if clip is not None and not clip.overlaps(box):
        return None
    rotation = text.get_rotation()
    angle = rotation % 180
    width, height = box.width, box.height
    if abs(angle - 90) < 1:
        width, height = height, width
    elif min(angle, 180 - angle) > 1:
        text.set_rotation(0)
        level = Text.get_window_extent(text, renderer)
        text.set_rotation(rotation)
        width, height = level.width, level.height
    return Rectangle(
        (box.x0 + box.x1) / 2,
        (box.y0 + box.y1) / 2,
        width / 2,
        height / 2,
        radians(angle),
    )


def _tick_labels(all_of_them: Sequence[Any]) -> dict[int, int]:
    """Return the ids of tick labels and of their axes: a layout makes and removes tick labels."""
    labels: dict[int, int] = {}
    for axes in all_of_them:
        for axis in (getattr(axes, f"{name}axis", None) for name in "xyz"):
            # Not get_major_ticks(), which computes the ticks once more.
            for tick in (*axis.majorTicks, *axis.minorTicks) if axis is not None else ():
                labels[id(tick.label1)] = labels[id(tick.label2)] = id(axis)
    return labels
