"""Encode finished pictures: bytes of PNG, JPEG, WebP, SVG or PDF, the text of an SVG, Pillow's pictures."""

from __future__ import annotations

import re
import warnings
from io import BytesIO, StringIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from plotroute.encode.base import Encoded, NotAFigure, Target
from plotroute.encode.budgets import Output, check_bytes, check_pixels
from plotroute.encode.geometry import PX, Placement, asked_box, is_sized, pixels
from plotroute.encode.png.palette import reduced
from plotroute.encode.png.writer import encode_png
from plotroute.errors import CannotDraw, UnknownFormat
from plotroute.model import IMAGE_TYPES

RASTERS = ("png", "webp", "jpg")
"""Formats that can become each other."""

_PILLOW = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}

_WITH_ARTICLE = {"jpg": "a JPEG", "pdf": "a PDF", "png": "a PNG", "svg": "an SVG", "webp": "a WebP"}

_SVG = re.compile(rb"\s*(<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE\s+svg[^>]*>|\s+)*<svg[\s>]", re.DOTALL)

_NAMESPACE = b"http://www.w3.org/2000/svg"
"""The namespace of the first element of an SVG: without it a browser takes the file for any other XML."""

_BASE64 = (b"data:image/", b"ivborw0kggo", b"/9j/", b"uklgr", b"phn2z", b"pd94bwwg", b"jvberi0")
"""First letters of a picture in base64, in lower case: of a data URI, a PNG, JPEG, WebP, SVG or PDF."""

_SNIFFED = 4096
"""Bytes within which an SVG has to begin: room for a prolog and a licence in a comment."""


class RawEncoder:
    """Encode bytes, bytearray, memoryview, files in memory, SVG text and Pillow's pictures.

    Bytes are returned untouched unless the request names another size or format. A picture of Pillow's is no
    file yet: it becomes a PNG, or the requested format.
    """

    def accepts(self, value: Any) -> bool:
        """Whether `value` is bytes or a file of bytes in memory, the text of an SVG, or Pillow's picture."""
        if isinstance(value, bytes | bytearray | memoryview | BytesIO | Image.Image):
            return True
        if isinstance(value, StringIO):
            value = "" if value.closed else value.getvalue()
        return isinstance(value, str) and _is_svg(value[:_SNIFFED].encode(errors="replace"))

    def resolve(self, value: Any, theme: str | None = None) -> Any:
        """Return the value itself: it is a finished picture, in the colours that it has."""
        return value

    def surface(self) -> None:
        """Return None: authors make finished pictures with libraries of their own."""

    def encode(self, value: Any, target: Target) -> Encoded:
        """Return the picture as it is; a raster in the format and size of `target`.

        SVG and PDF keep their own size.

        Raises:
            NotAFigure: The bytes are no picture, or half of a picture.
            CannotDraw: The picture is beyond the budgets of `target`.
            UnknownFormat: The picture cannot become the requested format.
        """
        if isinstance(value, Image.Image):
            _check_format("png", target)
            wanted = target.format if target.explicit_format else "png"
            check_pixels(*value.size, target.max_pixels)
            return _resized(_upright(value), None, wanted, target)
        body = _bytes_of(value)
        check_bytes(len(body), target.max_bytes)
        own = _format_of(body)
        _check_format(own, target)
        if own not in RASTERS:
            return Encoded(body, IMAGE_TYPES[own])
        return _raster(body, own, target.format if target.explicit_format else own, target)


def _check_format(own: str, target: Target) -> None:
    """Raise UnknownFormat if a picture in the format `own` cannot become the requested format."""
    possible = RASTERS if own in RASTERS else (own,)
    if target.explicit_format and target.format not in possible:
        raise UnknownFormat(
            f"this picture is there as {', '.join(possible)}, not as {target.format}",
            allowed=list(possible),
        )


def _is_svg(start: bytes) -> bool:
    return _SVG.match(start.removeprefix(b"\xef\xbb\xbf")) is not None


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, BytesIO):
        if value.closed:
            raise NotAFigure("the plot returned a closed BytesIO: return it open, or return its bytes")
        value = value.getvalue()
    if isinstance(value, StringIO):
        value = value.getvalue()
    body = value.encode(errors="replace") if isinstance(value, str) else bytes(value)
    if not body:
        raise NotAFigure(
            "the plot returned no bytes, so nothing was written: call `fig.savefig(buffer)` before returning"
        )
    return body


def _format_of(body: bytes) -> str:
    """Return the format that the first bytes name; NotAFigure if they name none, or the end is missing."""
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if body.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "webp"
    if body.startswith(b"%PDF-"):
        if b"%%EOF" not in body[-1024:]:
            raise _broken("pdf")
        return "pdf"
    if _is_svg(body[:_SNIFFED]):
        if not body.rstrip().endswith((b"</svg>", b"/>", b"-->")):
            raise _broken("svg")
        _check_namespace(body)
        return "svg"
    raise NotAFigure(
        f"the plot returned bytes that are {_guess(body)}: return a figure, or the bytes of a PNG, JPEG, "
        "WebP, SVG or PDF"
    )


def _check_namespace(svg: bytes) -> None:
    start = svg.index(b"<svg")
    if _NAMESPACE not in svg[start : svg.find(b">", start)]:
        raise NotAFigure(
            "the plot returned an SVG without its namespace, which an <img> shows as a broken picture: begin "
            f'it with `<svg xmlns="{_NAMESPACE.decode()}" …>`'
        )


def _guess(body: bytes) -> str:
    start = body[:256].lstrip().lower()
    if start.startswith((b"gif87a", b"gif89a")):
        return "a GIF, which is not supported"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith((b"{", b"[")):
        return "JSON"
    if start.startswith(_BASE64):
        return "base64 text: leave out b64encode"
    if body.startswith((b"II*\x00", b"MM\x00*", b"BM")):
        return "a picture in a format that is not supported"
    return "no picture"


def _broken(format: str) -> NotAFigure:
    return NotAFigure(f"the plot returned the bytes of {_WITH_ARTICLE[format]} that is cut off or damaged")


def _raster(body: bytes, own: str, wanted: str, target: Target) -> Encoded:
    return _resized(_decoded(body, own, target), body if wanted == own else None, wanted, target)


def _resized(picture: Image.Image, body: bytes | None, wanted: str, target: Target) -> Encoded:
    """Return the picture in the requested format and size.

    `body` is the picture in that format and its own size, if there is such a file.
    """
    asked = asked_box(target, picture.size) if is_sized(target) else picture.size
    size = pixels(asked, target.options.dpr) if is_sized(target) else picture.size
    fewer_colours = target.options.png8 and wanted == "png"
    untouched = body if size == picture.size else None
    if untouched is not None and not fewer_colours:
        return Encoded(untouched, IMAGE_TYPES[wanted])
    check_pixels(*size, target.max_pixels, wanted)
    picture = _in_colour(picture)
    if size != picture.size:
        picture = _fitted(picture, asked, size)
    if wanted == "jpg" and picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    file = Output(target.max_bytes)
    if fewer_colours:
        smaller = encode_png(reduced(np.asarray(picture.convert("RGBA"))))
        file.write(untouched if untouched is not None and len(untouched) <= len(smaller) else smaller)
    else:
        picture.save(file, format=_PILLOW[wanted])
    return Encoded(file.getvalue(), IMAGE_TYPES[wanted])


def _in_colour(picture: Image.Image) -> Image.Image:
    """Return the picture as RGB or RGBA; NotAFigure if its numbers have no fixed range.

    Pillow cuts off values above 255: fractions became black, 16 bits white.
    """
    if picture.mode in ("RGB", "RGBA"):
        return picture
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    elif picture.mode in ("F", "I"):
        raise NotAFigure(
            f"the plot returned a picture of Pillow's in the mode {picture.mode!r}, whose numbers have no "
            "fixed range: scale them to 0 to 255 (`Image.fromarray(values.astype(np.uint8))`), or write "
            '`return plt.imshow(values, cmap="gray")`'
        )
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _upright(picture: Image.Image) -> Image.Image:
    """Return a picture of Pillow's turned as its EXIF data says; NotAFigure if its file cannot be read."""
    try:
        picture.load()
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError, AssertionError) as error:  # what Pillow raises
        raise NotAFigure(
            "the plot returned a picture of a file that is closed or damaged: return it while the file is "
            "open, or a copy (`picture.copy()`)"
        ) from error


def _decoded(body: bytes, own: str, target: Target) -> Image.Image:
    """Decode the picture, after its pixels were counted against the budget."""
    try:
        with warnings.catch_warnings():
            # Pillow warns of decompression bombs from 89 megapixels on; the next check has the plot's budget.
            warnings.simplefilter("ignore")
            picture = Image.open(BytesIO(body), formats=[_PILLOW[own]])
        check_pixels(*picture.size, target.max_pixels)
        picture.load()
        return ImageOps.exif_transpose(picture)
    except Image.DecompressionBombError as error:
        raise CannotDraw(
            f"the picture would have more than the {target.max_pixels:,} pixels allowed"
        ) from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for damaged files
        raise _broken(own) from error


def _fitted(picture: Image.Image, asked: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """Return the picture scaled to fit into `size` pixels, centred on the colour of its first corner."""
    content = (0.0, 0.0, picture.width / PX, picture.height / PX)
    dpi = Placement(content, asked, size).dpi
    wide = max(1, min(size[0], round(content[2] * dpi)))
    high = max(1, min(size[1], round(content[3] * dpi)))
    corner = picture.getpixel((0, 0))
    if isinstance(corner, tuple) and len(corner) == 4 and corner[3] == 0:
        corner = (255, 255, 255, 0)
    paper = Image.new(picture.mode, size, corner)
    paper.paste(
        picture.resize((wide, high), Image.Resampling.LANCZOS), ((size[0] - wide) // 2, (size[1] - high) // 2)
    )
    return paper
