from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from encode.conformance import Conformance, open_image, size_of
from plotroute.encode import find
from plotroute.encode.base import NotAFigure, Target
from plotroute.encode.raw import RawEncoder
from plotroute.errors import CannotDraw, UnknownFormat
from plotroute.model import Options

SVG = b'<?xml version="1.0"?>\n<!-- a drawing -->\n<svg xmlns="http://www.w3.org/2000/svg"></svg>' + b" " * 20
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n" + b"% filler" * 10 + b"\n%%EOF\n"


def picture(
    format: str = "png", mode: str = "RGB", size: tuple[int, int] = (64, 48), color: object = None
) -> bytes:
    file = io.BytesIO()
    if color is None:
        color = {"RGBA": (200, 30, 30, 128), "RGB": (200, 30, 30)}.get(mode, 100)
    Image.new(mode, size, color).save(file, format={"jpg": "JPEG"}.get(format, format))
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class TestRaw(Conformance):
    encoder = RawEncoder()
    sized = ("png", "webp", "jpg")

    def value(self, format: str) -> bytes:
        return {"svg": SVG, "pdf": PDF}.get(format) or picture(format, size=(640, 480))


encode = RawEncoder().encode


def test_bytes_are_handed_over_untouched() -> None:
    for body in (picture(), picture("jpg"), picture("webp"), SVG, PDF):
        for value in (body, bytearray(body), memoryview(body), io.BytesIO(body)):
            assert encode(value, Target()).body == body


def test_a_file_is_read_from_its_beginning() -> None:
    file = io.BytesIO()
    file.write(picture())
    assert encode(file, Target()).body == picture()


def test_another_raster_format_is_converted_only_when_asked_for() -> None:
    body = picture("jpg")
    assert encode(body, Target(format="png")).type == "image/jpeg"
    assert encode(body, Target(format="png", explicit_format=True)).type == "image/png"


def test_jpeg_of_a_transparent_picture_is_on_white() -> None:
    body = picture(mode="RGBA", color=(0, 0, 0, 0))
    image = open_image(encode(body, Target(format="jpg", explicit_format=True)))
    assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_can_be_resized(mode: str) -> None:
    color = {"LA": (9, 9), "RGBA": (9, 9, 9, 9), "RGB": (9, 9, 9)}.get(mode, 1)
    body = picture(mode=mode, color=color)
    assert size_of(encode(body, Target(options=Options(width=50, height=50)))) == (50, 50)


@pytest.mark.parametrize(
    ("body", "wanted", "allowed"),
    [
        (picture(), "svg", ["png", "webp", "jpg"]),
        (picture("jpg"), "pdf", ["png", "webp", "jpg"]),
        (SVG, "png", ["svg"]),
        (PDF, "svg", ["pdf"]),
    ],
)
def test_a_format_it_cannot_become_is_unknown(body: bytes, wanted: str, allowed: list[str]) -> None:
    with pytest.raises(UnknownFormat) as raised:
        encode(body, Target(format=wanted, explicit_format=True))
    assert raised.value.members["allowed"] == allowed
    assert encode(body, Target(format=wanted)).body == body


def test_a_resized_picture_is_centred_on_the_colour_of_its_corner() -> None:
    image = Image.new("RGB", (100, 100), "navy")
    image.paste((255, 255, 0), (40, 40, 60, 60))
    file = io.BytesIO()
    image.save(file, "png")
    wide = open_image(encode(file, Target(options=Options(width=200, height=100))))
    assert wide.size == (200, 100)
    assert wide.getpixel((5, 50)) == wide.getpixel((195, 50)) == (0, 0, 128)
    assert wide.getpixel((100, 50)) == (255, 255, 0)


def test_one_side_alone_keeps_the_ratio_and_dpr_multiplies() -> None:
    assert size_of(encode(picture(), Target(options=Options(width=32)))) == (32, 24)
    assert size_of(encode(picture(), Target(options=Options(height=12)))) == (16, 12)
    assert size_of(encode(picture(), Target(options=Options(dpr=2)))) == (128, 96)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "nothing was written"),
        (io.BytesIO(), "nothing was written"),
        (b"GIF89a\x01\x00", "GIF"),
        (b"<!doctype html><p>", "HTML"),
        (b'{"a": 1}', "JSON"),
        (b"hello", "no picture"),
    ],
)
def test_other_bytes_are_refused_with_what_to_return(body: object, words: str) -> None:
    with pytest.raises(NotAFigure, match=words):
        encode(body, Target())


def test_a_closed_file_is_refused() -> None:
    file = io.BytesIO(picture())
    file.close()
    with pytest.raises(NotAFigure, match="closed"):
        encode(file, Target())


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_half_a_picture_is_refused(format: str) -> None:
    body = picture(format, size=(300, 300))
    for part in (body[: len(body) // 2], body[:20]):
        with pytest.raises(NotAFigure, match="cut off or damaged"):
            encode(part, Target())


@pytest.mark.parametrize("body", [SVG.rstrip()[:-6], PDF[:-8]])
def test_half_a_drawing_is_refused(body: bytes) -> None:
    with pytest.raises(NotAFigure, match="cut off or damaged"):
        encode(body, Target())


@pytest.mark.parametrize("side", [5_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_undecoded(side: int) -> None:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100))
    with pytest.raises(CannotDraw, match="pixels"):
        encode(bomb + chunk(b"IEND", b""), Target())


def test_a_photo_that_lies_on_its_side_is_stood_up_when_resized() -> None:
    photo = Image.new("RGB", (80, 40), "white")
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90° to see it upright"
    file = io.BytesIO()
    photo.save(file, "jpeg", exif=exif)
    assert size_of(encode(file, Target(options=Options(width=20)))) == (20, 40)


def test_png8_gives_a_picture_256_colours_where_that_makes_it_smaller() -> None:
    def png(channels: Any) -> bytes:
        file = io.BytesIO()
        Image.fromarray(np.asarray(channels, np.uint8)).save(file, format="PNG")
        return file.getvalue()

    noise = png(np.random.default_rng(1).integers(0, 256, (64, 90, 3)))
    few = encode(noise, Target(options=Options(png8=True)))
    assert open_image(few).mode == "P"
    assert len(few.body) < len(noise)
    assert size_of(encode(noise, Target(options=Options(png8=True, width=45)))) == (45, 32)
    y, x = np.mgrid[:64, :90]
    slope = png(np.stack([2 * x, 3 * y, x + y], axis=2))  # Pillow writes it in 170 bytes
    for body in (slope, picture("jpg"), SVG):
        assert encode(body, Target(options=Options(png8=True))).body == body


@pytest.mark.parametrize("value", [SVG.decode(), "\ufeff" + SVG.decode(), io.StringIO(SVG.decode())])
def test_the_text_of_an_svg_is_taken(value: object) -> None:
    assert find(value).encode(value, Target()).body.endswith(SVG)


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_picture_of_pillow_s_becomes_what_is_asked_for(mode: str, format: str) -> None:
    value = Image.new(mode, (64, 48), 1 if mode in ("1", "L", "P", "I;16") else None)
    encoded = find(value).encode(value, Target(format=format, explicit_format=True))
    assert encoded.type == f"image/{format}".replace("jpg", "jpeg")
    assert size_of(encoded) == (64, 48)
    sized = find(value).encode(value, Target(options=Options(width=32, dpr=2)))
    assert (sized.type, size_of(sized)) == ("image/png", (64, 48))


def test_a_picture_of_pillow_s_keeps_its_budgets_and_is_no_drawing() -> None:
    with pytest.raises(CannotDraw, match="pixels"):
        encode(Image.new("1", (5000, 5000)), Target())
    with pytest.raises(UnknownFormat):
        encode(Image.new("RGB", (9, 9)), Target(format="svg", explicit_format=True))


def test_a_picture_whose_file_is_closed_is_told() -> None:
    with Image.open(io.BytesIO(picture())) as closed:
        pass
    with pytest.raises(NotAFigure, match=r"closed or damaged.*copy"):
        encode(closed, Target())


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (base64.b64encode(picture()).decode(), "without b64encode"),
        ("data:image/svg+xml;base64,AAAA", "without b64encode"),
        (io.StringIO(base64.b64encode(picture("jpg")).decode()), "without b64encode"),
        (base64.b64encode(picture("webp")), "leave out b64encode"),
        (io.StringIO("a,b\n1,2"), "BytesIO"),
        (io.StringIO(), "BytesIO"),
        ('<img src="data:image/png;base64,AAAA">', "HTML"),
        (Path("plot.png"), "file name"),
    ],
)
def test_text_that_is_no_svg_is_told_what_to_return(value: object, words: str) -> None:
    with pytest.raises(NotAFigure, match=words):
        find(value).encode(value, Target())
