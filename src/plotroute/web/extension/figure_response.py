"""A figure of a view's own → HTTP response: the one place of a web process that encodes one."""

from __future__ import annotations

import importlib
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Response, has_request_context, request

from plotroute import digest, encode
from plotroute.data import freshness
from plotroute.encode.base import NotAFigure, Target
from plotroute.encode.geometry import PX
from plotroute.model import IMAGE_TYPES, Picture, PlotSpec
from plotroute.params import picture_options
from plotroute.web.headers import PICTURE_POLICY
from plotroute.web.pages.html import readable

# What HTTP's caches take for "for ever".
_YEAR = 365 * 24 * 3600

_SUFFIXES = {"jpg": ("jpg", "jpeg")}
"""Formats that file names end in otherwise than in their own name."""


def figure_response(
    figure: Any,
    *,
    format: str = "png",
    dpr: float | None = None,
    max_age: str | float | timedelta = 0,
    download: str | None = None,
) -> Response:
    """Return a Matplotlib figure as the response of a Flask view.

    Make the figure with `matplotlib.figure.Figure()`, not with pyplot: pyplot keeps every figure until it is
    closed, and its current figure and axes are one state for all threads. This function closes a figure of
    pyplot's, because nothing else would. Any other figure is afterwards as `savefig` leaves it, laid out;
    rcParams and backend are unchanged. Figures are encoded one at a time.

    Args:
        figure: A figure, or a value that leads to one: axes, an artist, a seaborn plot, a scikit-learn
            display, a container of them. Other than in a plot function, a value that leads to none is an
            error even while a figure of pyplot's is open: that figure may belong to another request.
        format: "png", "svg", "pdf", "webp" or "jpg".
        dpr: Device pixels per CSS pixel of 1/100 inch, as in the URL of a plot (rounded up to 1, 1.5, 2, 3 or
            4), for formats with pixels. By default the dpi of `savefig`.
        max_age: How long the browser may keep the picture without revalidating it: "10m", or seconds. No
            other cache keeps it, because the answer of a view may depend on the user.
        download: A file name, under which the browser saves the picture instead of showing it.

    Returns:
        A Flask response, with an ETag; 304 if the browser has the picture.

    Raises:
        ValueError: There is no such `format`, `dpr` or `max_age`.
        NotAFigure: The value does not lead to exactly one figure. It is a TypeError.
        CannotDraw: The picture is beyond the budgets of pixels or bytes.

    Example:
        >>> @app.get("/report.png")
        ... def report():
        ...     figure = Figure(figsize=(8, 5), layout="constrained")
        ...     figure.subplots().plot([3, 1, 2])
        ...     return figure_response(figure)
    """
    with _one_at_a_time(), _found(figure) as found:
        if format not in IMAGE_TYPES:
            raise ValueError(f"There is no format {format!r}: take one of {', '.join(IMAGE_TYPES)}")
        cache_control = _cache_control(max_age)
        # One salt for all: the ids in two SVGs on one page are equal only where what they name is.
        target = Target(format=format, explicit_format=True, salt="plotroute")
        with _at(found, dpr):
            body = encode.find(found).encode(found, target).body
    response = Response(body, content_type=IMAGE_TYPES[format])
    response.headers["Cache-Control"] = cache_control
    response.headers["X-Content-Type-Options"] = "nosniff"
    if format == "svg":
        response.headers["Content-Security-Policy"] = PICTURE_POLICY
    if download is not None:
        _attach(response, download, format)
    response.set_etag(digest.of_bytes(body), weak=True)
    if has_request_context():
        response.make_conditional(request)
    return response


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait for other users of Matplotlib in this process, such as `plots.draw`: they share its state."""
    from plotroute.render.local import direct

    with direct.one_at_a_time:
        yield


@contextmanager
def _found(value: Any) -> Iterator[Any]:
    """Yield the figure that `value` leads to; one of pyplot's is closed whatever comes of it."""
    from plotroute.encode.matplotlib.figures import figure_of

    try:
        figure = figure_of(value.figure if isinstance(value, Picture) else value)
    except NotAFigure as error:
        raise NotAFigure(
            "figure_response() takes what leads to exactly one Matplotlib figure (a figure, axes, an artist, "
            f"a seaborn plot), and this is of type {type(value).__name__}; finished bytes are for "
            "flask.send_file(), and a figure that pyplot has open is only taken if it is handed over"
        ) from error
    try:
        yield figure
    finally:
        if "matplotlib.pyplot" in sys.modules:
            # Imported all the same, because another thread may be in the middle of it.
            importlib.import_module("matplotlib.pyplot").close(figure)


@contextmanager
def _at(figure: Any, dpr: float | None) -> Iterator[None]:
    """Have `savefig` draw with `dpr` device pixels for a CSS pixel, and change nothing else of the figure."""
    if dpr is None:
        yield
        return
    if not dpr > 0:
        raise ValueError(f"dpr={dpr!r} must be a number above 0")
    ratio = picture_options.build({"dpr": dpr}, PlotSpec(name="", addresses=()), max_pixels=0).dpr or 1
    # Not `savefig.dpi` itself, which a seaborn.objects Plot has in a theme of its own: there as here it is
    # "figure", and that is this attribute (Matplotlib has no public door to it).
    before = getattr(figure, "_original_dpi", figure.dpi)
    with sys.modules["matplotlib"].rc_context({"savefig.dpi": "figure"}):
        figure._original_dpi = PX * ratio
        try:
            yield
        finally:
            figure._original_dpi = before


def _cache_control(max_age: str | float | timedelta) -> str:
    seconds = int(min(freshness.ttl(max_age) or 0, _YEAR))
    return f"private, max-age={seconds}" if seconds else "private, no-cache"


def _attach(response: Response, wish: str, format: str) -> None:
    """Say that the picture is to be saved under a name, to clients that read ASCII only too (RFC 6266)."""
    name = _file_name(wish, format)
    # Once more, because the compatible form of a letter may be a quote or a slash.
    plain = _file_name(unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode(), format)
    names = {"filename": plain}
    if plain != name:
        names["filename*"] = f"UTF-8''{quote(name, safe='')}"
    response.headers.set("Content-Disposition", "attachment", **names)


def _file_name(wish: str, format: str) -> str:
    """Return a name without folders that no header or file system trips over, with the format's suffix."""
    name = re.split(r"[/\\]", readable(wish))[-1]
    stem, dot, suffix = name.rpartition(".")
    suffixes = _SUFFIXES.get(format, (format,))
    if not (dot and suffix.lower() in suffixes):
        stem, suffix = name, format
    stem = re.sub(r'[\s"*:<>?|;%]+', "-", stem).strip("-. ")[:100]
    return f"{stem or 'plot'}.{suffix}"
