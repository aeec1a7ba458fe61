"""What a PNG shows and says: the same for two files that differ in how they are compressed."""

from __future__ import annotations

import hashlib
import io
from typing import NamedTuple

from PIL import Image


class Content(NamedTuple):
    size: tuple[int, int]
    pixels: str
    """Hash of all RGBA values: short to read where a comparison fails."""
    dpi: tuple[float, float] | None
    text: dict[str, str]


def content(body: bytes) -> Content:
    with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
        image.load()
        pixels = hashlib.sha256(image.convert("RGBA").tobytes()).hexdigest()
        return Content(image.size, pixels, image.info.get("dpi"), dict(image.text))
