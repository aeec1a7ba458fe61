"""What every encoder promises, written once: a test of an encoder says how to make its values."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image

from plotroute.encode import find
from plotroute.encode.base import Encoded, Encoder, Target
from plotroute.errors import CannotDraw
from plotroute.model import IMAGE_TYPES, Options

RASTERS = ("png", "webp", "jpg")


def open_image(encoded: Encoded) -> Image.Image:
    image = Image.open(io.BytesIO(encoded.body))
    image.load()
    return image


def size_of(encoded: Encoded) -> tuple[float, float]:
    """Pixels of a raster; CSS pixels of an SVG; 1/100 inches of a PDF, and of an SVG in its own size."""
    if encoded.type == "image/svg+xml":
        root = re.search(rb'<svg\b[^>]*? width="([\d.]+)(p[xt])" height="([\d.]+)p[xt]"', encoded.body)
        assert root is not None
        unit = 0.72 if root[2] == b"pt" else 1
        return round(float(root[1]) / unit, 3), round(float(root[3]) / unit, 3)
    if encoded.type == "application/pdf":
        root = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", encoded.body)
    else:
        return open_image(encoded).size
    assert root is not None
    return round(float(root[1]) / 0.72, 3), round(float(root[2]) / 0.72, 3)


def magic(body: bytes) -> str:
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "image/webp"
    for start, kind in (
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"%PDF-", "application/pdf"),
    ):
        if body.startswith(start):
            return kind
    return "image/svg+xml" if b"<svg" in body[:2000] else "unknown"


class Conformance:
    """Subclass it as `TestX` with the encoder, and a fresh value for every call."""

    encoder: Encoder
    formats: tuple[str, ...] = tuple(IMAGE_TYPES)
    sized: tuple[str, ...] = tuple(IMAGE_TYPES)
    """Formats in which it keeps the size contract."""

    def value(self, format: str) -> Any:
        raise NotImplementedError

    def test_it_is_found_for_its_values(self) -> None:
        for format in self.formats:
            assert type(find(self.value(format))) is type(self.encoder)

    def test_it_leaves_other_values_alone(self) -> None:
        for other in (None, "plot.png", 3.0, object(), [], {}, print):
            assert not self.encoder.accepts(other)

    def test_body_and_media_type_agree_in_every_format(self) -> None:
        for format in self.formats:
            encoded = self.encoder.encode(self.value(format), Target(format=format, explicit_format=True))
            assert type(encoded.body) is bytes
            assert encoded.type == IMAGE_TYPES[format] == magic(encoded.body)

    def test_same_value_and_target_same_bytes(self) -> None:
        for format in self.formats:
            for options in (Options(), Options(width=200, dpr=2)):
                target = Target(format=format, explicit_format=True, options=options, salt="salt")
                one, two = (self.encoder.encode(self.value(format), target) for _ in range(2))
                assert one == two

    @pytest.mark.parametrize("box", [(320, 240), (800, 200), (200, 801), (33, 77), (1, 500), (3, 2)])
    @pytest.mark.parametrize("dpr", [None, 1, 1.5, 2, 3, 4])
    def test_size_is_exact(self, box: tuple[int, int], dpr: float | None) -> None:
        # Vectors have no pixels, and what is to become of the pixels is the same for all rasters.
        formats = {1: ("png",), 1.5: RASTERS, 3: ("png",), 4: ("png",)}.get(dpr or 0, self.sized)
        for format in set(formats) & set(self.sized):
            options = Options(width=box[0], height=box[1], dpr=dpr)
            encoded = self.encoder.encode(
                self.value(format), Target(format=format, explicit_format=True, options=options)
            )
            factor = (dpr or 1) if format in RASTERS else 1
            assert size_of(encoded) == (round(box[0] * factor), round(box[1] * factor))

    def test_declared_size_is_the_default_and_gives_the_ratio(self) -> None:
        for format in self.sized:
            for options, expected in (
                (Options(), (300, 100)),
                (Options(width=150), (150, 50)),
                (Options(height=50), (150, 50)),
            ):
                target = Target(format=format, explicit_format=True, options=options, size=(300, 100))
                assert size_of(self.encoder.encode(self.value(format), target)) == expected

    def test_too_many_pixels_are_refused(self) -> None:
        for format in set(self.sized) & set(RASTERS):
            for options in (
                Options(width=20_000, height=20_000),
                Options(width=1000, height=600, dpr=2),
                Options(width=50_000, height=2),
            ):
                target = Target(format=format, explicit_format=True, options=options, max_pixels=1_000_000)
                with pytest.raises(CannotDraw, match="pixels, more than the"):
                    self.encoder.encode(self.value(format), target)

    def test_too_many_bytes_are_refused(self) -> None:
        for format in self.formats:
            with pytest.raises(CannotDraw, match="more than the 100 bytes allowed"):
                self.encoder.encode(
                    self.value(format), Target(format=format, explicit_format=True, max_bytes=100)
                )
