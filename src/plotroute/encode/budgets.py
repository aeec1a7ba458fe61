"""Check the budgets of a picture: its pixels before they are filled, its bytes while they are written."""

from __future__ import annotations

from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING

from plotroute.errors import CannotDraw

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_SIDE = 2**15
"""Most pixels of one side. Matplotlib allows 2**23; Agg's sub-pixel coordinates and browsers do not."""

FORMAT_SIDES = {"webp": 16_383}
"""Format → most pixels of one side, where the format allows less: WebP stores a side in 14 bits."""


def check_pixels(width: float, height: float, allowed: int, format: str = "png") -> None:
    """Raise CannotDraw if a picture of `width` × `height` pixels is empty, endless or over budget."""
    if not (isfinite(width) and isfinite(height) and width > 0 and height > 0):
        raise CannotDraw(f"the picture would have {width:g} × {height:g} pixels, so there is nothing to draw")
    size = f"the picture would have {round(width):,} × {round(height):,} pixels"
    side = FORMAT_SIDES.get(format, MAX_SIDE)
    if max(width, height) > side:
        raise CannotDraw(f"{size}, more than the {side:,} allowed for a side")
    if width * height > allowed:
        raise CannotDraw(f"{size}, more than the {allowed:,} allowed")


def check_bytes(size: int, allowed: int) -> None:
    """Raise CannotDraw if a picture of `size` bytes is over budget."""
    if size > allowed:
        raise CannotDraw(f"the picture would have more than the {allowed:,} bytes allowed")


class Output(BytesIO):
    """A file in memory that raises CannotDraw as soon as more than `allowed` bytes are in it."""

    def __init__(self, allowed: int) -> None:
        super().__init__()
        self._allowed = allowed

    def write(self, data: ReadableBuffer, /) -> int:
        """Write like a file; raise CannotDraw before more than the allowed bytes are in it."""
        check_bytes(self.tell() + memoryview(data).nbytes, self._allowed)
        return super().write(data)
