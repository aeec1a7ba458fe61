"""Turn Matplotlib figures, and values that lead to one, into bytes: `savefig` and the size contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from math import ceil, isfinite, sqrt
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.transforms import Bbox
from PIL import Image

from plotroute.encode.base import Encoded, Surface, Target
from plotroute.encode.budgets import MAX_SIDE, Output, check_pixels
from plotroute.encode.geometry import (
    PX,
    Box,
    Placement,
    Size,
    asked_box,
    is_sized,
    layouts,
    pixels,
    raster_box,
)
from plotroute.encode.matplotlib import agg_canvas
from plotroute.encode.matplotlib.figures import anchor_legends, figure_of, leaves, theme_of
from plotroute.encode.matplotlib.legibility import settle
from plotroute.encode.matplotlib.literal_text import literal_texts
from plotroute.encode.matplotlib.pixel_units import is_measured_in_pixels, pin_shadows
from plotroute.encode.matplotlib.recoloring import keep_visible, rehearse
from plotroute.encode.matplotlib.replaced import replaced
from plotroute.encode.matplotlib.text_layout_cache import remember_layouts
from plotroute.encode.matplotlib.wrapping import keep_lines, wrapping_texts
from plotroute.model import IMAGE_TYPES

COARSE = 72
"""Pixels per inch of figure below which Agg does not draw: it would round every line up to a pixel and every
glyph to a blot, so that text runs together. The picture is drawn finer and averaged."""

FINE = 100
"""Least pixels per inch with which such a picture is drawn."""

LEAST_DPI = 12
"""Least pixels per inch with which a glyph of 10 pt has a size (FreeType refuses half a pixel). A figure so
large that the budget allows fewer is refused, however small the picture is to become."""

_UNDATED: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Format → metadata to leave out, because it makes two pictures of the same figure differ."""


class MatplotlibEncoder:
    """Encode figures, axes, artists, containers of them, seaborn's grids and plots."""

    def accepts(self, value: Any) -> bool:
        """Whether something in `value` belongs to Matplotlib."""
        return any(True for _ in leaves(value))

    def resolve(self, value: Any, theme: str | None = None) -> Figure:
        """Return the figure that `value` leads to; a seaborn.objects Plot is drawn here, in `theme`."""
        return figure_of(value, theme)

    def surface(self) -> Surface:
        """Return pyplot's surface."""
        # Not at the top: a web process that encodes a view's own figure does without pyplot.
        from plotroute.encode.matplotlib.surface import MatplotlibSurface

        return MatplotlibSurface()

    def encode(self, value: Any, target: Target) -> Encoded:
        """Return the figure as `savefig` writes it, in exactly the size that `target` names, if any.

        Call it with the rcParams that the figure was drawn with: Matplotlib makes ticks when it encodes. The
        figure is changed and of no use afterwards.
        """
        with literal_texts(target.texts):
            theme = target.options.theme
            figure = figure_of(value, theme)
            rc: dict[Any, Any] = {**theme_of(figure), "svg.hashsalt": target.salt}
            with (
                mpl.rc_context(rc),
                remember_layouts(),
                keep_visible(figure, theme, target.own_paper),
            ):
                _check_size(figure)
                body = _sized(figure, target) if is_sized(target) else _plain(figure, target)
        return Encoded(body, IMAGE_TYPES[target.format])


def _plain(figure: Figure, target: Target) -> bytes:
    """Return what a script's `fig.savefig(…)` writes, after its budget was checked."""
    dpi = _own_dpi(figure)
    vector = target.format in _UNDATED

    def check(inches: Size) -> None:
        per_inch = PX if vector else dpi
        check_pixels(inches[0] * per_inch, inches[1] * per_inch, target.max_pixels, target.format)

    width, height = figure.get_size_inches()
    if not _is_tight():
        check((width, height))
    options = _options(target)
    if vector:
        options["dpi"] = _within(dpi, (width, height), target.max_pixels)
    _rehearse(figure, target)
    with _check_tight_box(figure, check):
        return _saved(figure, target, **options)


def _saved(figure: Figure, target: Target, **options: Any) -> bytes:
    """Return what `savefig` writes, a PNG with our writer."""
    if target.format == "png" and (ours := agg_canvas.backend(figure)):
        options |= {**ours, "png8": target.options.png8}
    file = Output(target.max_bytes)
    figure.savefig(file, format=target.format, **options)
    return file.getvalue()


def _sized(figure: Figure, target: Target) -> bytes:
    """Return the figure in exactly the requested box."""
    natural = _natural(figure, target)
    asked = asked_box(target, natural)
    size = pixels(asked, target.options.dpr)
    if target.format in _UNDATED:
        check_pixels(*asked, target.max_pixels)
    else:
        check_pixels(*size, target.max_pixels, target.format)
    in_pixels = is_measured_in_pixels(figure)
    pin_shadows(figure, _own_dpi(figure))
    # In a picture of natural size, texts keep the lines that they have without a requested size.
    narrower = target.options.width is not None or target.options.height is not None
    wrapped = [] if in_pixels else wrapping_texts(figure, narrower=narrower)
    if not in_pixels and _may_be_laid_out(figure, target.made_by_us):
        content = settle(figure, natural, layouts(asked, natural, target.min_size))
        placement = Placement(_content(figure) if _is_tight() else content, asked, size)
    else:
        if wrapped:
            figure.dpi = PX
            figure.draw_without_rendering()
        placement = Placement(_content(figure), asked, size)
    keep_lines(wrapped)
    _rehearse(figure, target)
    raster = _resampled if in_pixels else _raster
    write = {"svg": _svg, "pdf": _pdf}.get(target.format, raster)
    return write(figure, target, placement)


def _rehearse(figure: Figure, target: Target) -> None:
    """Settle a theme's colours with Agg, before a backend draws that has no pixels to compare with."""
    if target.options.theme is not None and (target.format in _UNDATED or not agg_canvas.backend(figure)):
        rehearse(figure, target.max_pixels)


def _svg(figure: Figure, target: Target, placement: Placement) -> bytes:
    """Return the figure's own SVG, in a root element that has the size of the page and shows all of it."""
    svg = _saved(figure, target, **_vector_options(figure, target, placement))
    x, y = (side * 72 for side in placement.padding)
    left, bottom, right, top = placement.page
    wide, high = (right - left) * 72, (top - bottom) * 72
    view = " ".join(_number(side) for side in (-x, -y, wide, high))
    # The requested CSS pixels: an <img> without a width of its own is then as wide as its URL says.
    root = f'width="{placement.asked[0]}px" height="{placement.asked[1]}px" viewBox="{view}"'
    body = re.sub(rb'width="[^"]*" height="[^"]*" viewBox="[^"]*"', root.encode(), svg, count=1)
    if not placement.is_padded:
        return body
    red, green, blue, alpha = _paper(figure, target)
    paper = (
        f'</defs>\n <rect x="{_number(-x)}" y="{_number(-y)}" width="{_number(wide)}" '
        f'height="{_number(high)}" fill="#{red:02x}{green:02x}{blue:02x}" fill-opacity="{alpha / 255:g}"/>'
    )
    # The first definitions of the file are its style; the figure comes after them.
    return body.replace(b"</defs>", paper.encode(), 1)


def _pdf(figure: Figure, target: Target, placement: Placement) -> bytes:
    # Not at the top: it brings 150 modules that read and cut fonts, and most processes write no PDF.
    from plotroute.encode.matplotlib.scaled_pdf import ScaledPage

    file = Output(target.max_bytes)
    options = _vector_options(figure, target, placement)
    red, green, blue, alpha = _paper(figure, target)
    paper = (red / 255, green / 255, blue / 255) if placement.is_padded and alpha else None
    with ScaledPage(file, placement, paper, options.pop("metadata")) as page:
        figure.savefig(page, format="pdf", backend="pdf", **options)
    return file.getvalue()


def _vector_options(figure: Figure, target: Target, placement: Placement) -> dict[str, Any]:
    left, bottom, right, top = placement.content
    dpi = max(_own_dpi(figure), placement.dpi)  # of the images inside
    options = _options(target) | {"dpi": _within(dpi, (right - left, top - bottom), target.max_pixels)}
    return options | _region(figure, placement.content)


def _raster(figure: Figure, target: Target, placement: Placement) -> bytes:
    """Return the figure drawn by Agg, averaged if it was drawn finer, on its background."""
    dpi, (wide, high) = placement.dpi, placement.content_pixels
    times = _fineness(placement, target.max_pixels)
    options = _options(target)
    box = raster_box(placement.content, (wide * times, high * times), dpi * times)
    region = _region(figure, placement.content, box)
    if times == 1 and (wide, high) == placement.pixels:
        return _saved(figure, target, dpi=dpi, **region, **options)
    drawn = BytesIO()
    figure.savefig(drawn, format="rgba", dpi=dpi * times, **region, **options)
    content = Image.frombuffer("RGBA", (wide * times, high * times), drawn.getvalue()).reduce(times)
    return _padded(content, figure, target, placement)


def _resampled(figure: Figure, target: Target, placement: Placement) -> bytes:
    """Return the figure as `savefig` draws it by itself, resampled: every density shows the same picture."""
    dpi = _own_dpi(figure)
    left, bottom, right, top = placement.content
    wide, high = max(1, round((right - left) * dpi)), max(1, round((top - bottom) * dpi))
    check_pixels(wide, high, target.max_pixels)
    region = _region(figure, placement.content, raster_box(placement.content, (wide, high), dpi))
    if (wide, high) == placement.pixels:
        return _saved(figure, target, dpi=dpi, **region, **_options(target))
    drawn = BytesIO()
    figure.savefig(drawn, format="rgba", dpi=dpi, **region, **_options(target))
    content = Image.frombuffer("RGBA", (wide, high), drawn.getvalue())
    if content.size != placement.content_pixels:
        content = content.resize(placement.content_pixels, Image.Resampling.BICUBIC)
    return _padded(content, figure, target, placement)


def _padded(content: Image.Image, figure: Figure, target: Target, placement: Placement) -> bytes:
    """Return `content` in the middle of the picture, in the format of `target`."""
    picture = Image.new("RGBA", placement.pixels, _paper(figure, target))
    wide, high = content.size
    picture.paste(content, ((picture.width - wide) // 2, (picture.height - high) // 2))
    file = Output(target.max_bytes)
    if target.format == "png":
        file.write(agg_canvas.png(np.asarray(picture), PX, target.options.png8))
        return file.getvalue()
    # As Matplotlib's own canvas writes its pixels; a JPEG is laid on white.
    with mpl.rc_context({"savefig.facecolor": "white"}):
        kind = {"jpg": "jpeg"}.get(target.format, target.format)
        imsave(file, np.asarray(picture), format=kind, origin="upper", dpi=PX)
    return file.getvalue()


def _fineness(placement: Placement, max_pixels: int) -> int:
    """Return how many times finer than requested to draw the figure; CannotDraw if it is too large."""
    dpi, (wide, high) = placement.dpi, placement.content_pixels
    if dpi >= COARSE:
        return 1
    most = min(sqrt(max_pixels / (wide * high)), MAX_SIDE / max(wide, high))
    times = max(1, min(ceil(FINE / dpi), int(most)))
    if dpi * times < LEAST_DPI:
        left, bottom, right, top = placement.content
        check_pixels((right - left) * PX, (top - bottom) * PX, max_pixels)
    return times


def _region(figure: Figure, content: Box, exact: Box | None = None) -> dict[str, Any]:
    """Return the arguments that make savefig show just `content`; `exact` is that to a fraction of a pixel.

    The whole figure is shown without `bbox_inches`, so that less of Matplotlib's code is involved.
    """
    if content != _whole(figure):
        anchor_legends(figure)
        return {"bbox_inches": Bbox.from_extents(*(exact or content))}
    if exact is not None:
        left, bottom, right, top = exact
        figure.set_size_inches(right - left, top - bottom, forward=False)
    return {}


def _options(target: Target) -> dict[str, Any]:
    """Return the arguments of `savefig` that depend on the request alone; none if it names no options."""
    options: dict[str, Any] = {}
    if target.format in _UNDATED:
        options["metadata"] = dict(_UNDATED[target.format])
    if target.options.background == "transparent" and target.format != "jpg":
        options["transparent"] = True
    return options


def _natural(figure: Figure, target: Target) -> Size:
    """Return the size (CSS pixels) that the author declared, or else that the figure has."""
    if target.size is not None:
        return target.size
    left, bottom, right, top = _content(figure)
    return (right - left) * PX, (top - bottom) * PX


def _whole(figure: Figure) -> Box:
    width, height = figure.get_size_inches()
    return 0.0, 0.0, float(width), float(height)


def _content(figure: Figure) -> Box:
    """Return the part of the figure's plane (inches) that `savefig` would show."""
    if not _is_tight():
        return _whole(figure)
    figure.dpi = PX
    figure.draw_without_rendering()
    box = figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
    content: Box = (*box.min, *box.max)
    if not all(isfinite(side) for side in content) or box.width <= 0 or box.height <= 0:
        return _whole(figure)
    return content


def _may_be_laid_out(figure: Figure, made_by_us: bool) -> bool:
    """Whether the layout of `figure` follows its size; a figure of ours gets an engine if it has none."""
    engine = figure.get_layout_engine()
    if engine is not None and not isinstance(engine, PlaceHolderLayoutEngine):
        return True
    if not made_by_us:
        return False
    try:
        figure.set_layout_engine("tight")  # `fig.tight_layout()` has replaced our engine by this
    except RuntimeError:  # a colorbar was made for the constrained engine
        figure.set_layout_engine("constrained")
    return True


def _check_size(figure: Figure) -> None:
    width, height = figure.get_size_inches()
    check_pixels(width, height, MAX_SIDE**2)


@contextmanager
def _check_tight_box(figure: Figure, check: Any) -> Iterator[None]:
    """Check the box of `savefig.bbox: tight` when savefig has measured it, before its pixels are filled.

    Measuring it ahead would lay out the figure twice, and a second layout may differ from the first.
    """
    measure = figure.get_tightbbox
    pad = 2 * mpl.rcParams["savefig.pad_inches"]

    def measured(*args: Any, **kwargs: Any) -> Any:
        box = measure(*args, **kwargs)
        check((box.width + pad, box.height + pad))
        return box

    with replaced(figure, get_tightbbox=measured):
        yield


def _is_tight() -> bool:
    return bool(mpl.rcParams["savefig.bbox"] == "tight")


def _own_dpi(figure: Figure) -> float:
    """Return the dpi that `savefig` takes by default."""
    dpi = mpl.rcParams["savefig.dpi"]
    return float(getattr(figure, "_original_dpi", figure.dpi) if dpi == "figure" else dpi)


def _within(dpi: float, inches: Size, max_pixels: int) -> float:
    """Return `dpi`, or less if images inside an SVG or PDF would have too many pixels."""
    return min(dpi, sqrt(max_pixels / (inches[0] * inches[1])))


def _paper(figure: Figure, target: Target) -> tuple[int, int, int, int]:
    """Return the colour (0 to 255) that savefig puts behind the figure; the padding has it too."""
    if (
        _options(target).get("transparent")
        or mpl.rcParams["savefig.transparent"]
        or not figure.patch.get_visible()
    ):
        return 255, 255, 255, 0
    color = mpl.rcParams["savefig.facecolor"]
    red, green, blue, alpha = to_rgba(figure.get_facecolor() if color == "auto" else color)
    return round(red * 255), round(green * 255), round(blue * 255), round(alpha * 255)


def _number(value: float) -> str:
    """Spell a length as Matplotlib's SVG backend does."""
    return f"{value + 0.0:f}".rstrip("0").rstrip(".")
