"""How well the texts of a picture can be read, measured from its pixels as WCAG 2.2 says.

Nothing of plotroute is asked. Where letters are drawn, Agg's own method is replaced by one that fills the
place of the letters with their colour, so that a thin stroke at a low resolution counts as much as a thick
one; the pixels before and after are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

LETTERS = (0.1, 0.6)
"""Where lower case letters are in the height of a line, from its baseline."""


@dataclass(frozen=True)
class Reading:
    """A text, and the contrast of its letters with what is behind them."""

    text: str
    contrast: float


def luminance(rgb: Any) -> Any:
    part = np.asarray(rgb) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one: Any, two: Any) -> Any:
    """The contrast of two RGB colours of 0 to 255, or of arrays of them."""
    a, b = luminance(one), luminance(two)
    return (np.maximum(a, b) + 0.05) / (np.minimum(a, b) + 0.05)


@contextmanager
def texts_read(on: tuple[int, int, int] = (255, 255, 255)) -> Iterator[list[Reading]]:
    """Yield a list that each text is added to while the body draws; `on` is behind what is transparent."""
    readings: list[Reading] = []
    draw_text, draw_tex = RendererAgg.draw_text, RendererAgg.draw_tex

    def fill(
        self: Any, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any, **_: Any
    ) -> None:
        if not s.strip():
            return
        width, height, descent = self.get_text_width_height_descent(s, prop, ismath)
        low, high = ((height - descent) * part for part in LETTERS)
        box = [(0, low), (width, low), (width, high), (0, high), (0, low)]
        place = Affine2D().rotate_deg(angle).translate(x, self.height - y)
        inside = Path(box).transformed(place)
        before = np.array(self.buffer_rgba())
        gc0 = self.new_gc()
        gc0.copy_properties(gc)
        gc0.set_linewidth(0)
        self.draw_path(gc0, Path(box), place, gc.get_rgb())
        after = np.asarray(self.buffer_rgba())
        x0, y0, x1, y1 = inside.get_extents().extents
        top, bottom = max(0, int(len(after) - y1)), min(len(after), int(np.ceil(len(after) - y0)))
        left, right = max(0, int(x0)), min(after.shape[1], int(np.ceil(x1)))
        if top >= bottom or left >= right:
            return  # out of the picture
        rows, columns = slice(top, bottom), slice(left, right)
        # Tick labels that run into each other are another matter: letters on letters do not count.
        taken = self.__dict__.setdefault("taken_by_texts", np.zeros(after.shape[:2], bool))
        seen = inside.contains_points(_centres(rows, columns, len(after))) & ~taken[rows, columns].ravel()
        if not seen.any():
            return
        taken[rows, columns] |= seen.reshape(bottom - top, right - left)
        behind, letters = (_flat(part[rows, columns].reshape(-1, 4)[seen], on) for part in (before, after))
        readings.append(Reading(s, float(np.median(contrast(behind, letters)))))

    def fill_text(
        self: Any,
        gc: Any,
        x: Any,
        y: Any,
        s: Any,
        prop: Any,
        angle: Any,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        fill(self, gc, x, y, s, prop, angle, ismath)

    def fill_tex(
        self: Any, gc: Any, x: Any, y: Any, s: Any, prop: Any, angle: Any, *, mtext: Any = None
    ) -> None:
        fill(self, gc, x, y, s, prop, angle, "TeX")

    RendererAgg.draw_text = fill_text  # type: ignore[method-assign]
    RendererAgg.draw_tex = fill_tex  # type: ignore[method-assign, assignment]
    try:
        yield readings
    finally:
        RendererAgg.draw_text, RendererAgg.draw_tex = draw_text, draw_tex  # type: ignore[method-assign]


def _centres(rows: slice, columns: slice, height: int) -> Any:
    y, x = np.mgrid[rows, columns]
    return np.column_stack([x.ravel() + 0.5, height - y.ravel() - 0.5])


def _flat(rgba: Any, on: tuple[int, int, int]) -> Any:
    alpha = rgba[:, 3:] / 255
    return rgba[:, :3] * alpha + np.array(on) * (1 - alpha)
