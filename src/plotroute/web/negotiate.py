"""What to send, decided from the headers of a request: strings in, decisions out. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from plotroute.model import IMAGE_TYPES

ErrorForm = Literal["picture", "page", "problem"]
"""An SVG for an <img>, HTML for a browser's page, application/problem+json for code."""

DEFAULT_FORMAT = next(iter(IMAGE_TYPES))

_NAVIGATIONS = {"document", "iframe", "frame", "object", "embed"}
"""Values of Sec-Fetch-Dest that show what they get as a page."""

_JSON = {"application/problem+json", "application/json"}

# Java's HttpURLConnection sends `*/*; q=.2`; Werkzeug skips a quality without its zero, and the only
# range that admits a PNG would be lost.
_BARE_QUALITY = re.compile(r"(;\s*q\s*=\s*)\.", re.IGNORECASE)


def image_format(accept: str | None, formats: Sequence[str]) -> str | None:
    """Return which of `formats` (suffixes) answers a picture's address without a suffix.

    PNG, unless `accept` refuses it: browsers list formats that they can show, and a picture should not
    change its format with the reader's browser. Where PNG is refused, the format with
    the highest quality, then the first in `IMAGE_TYPES`; None where nothing is accepted (a 406).
    """
    offered = [name for name in IMAGE_TYPES if name in formats]
    ranges = _ranges(accept)
    qualities = {name: ranges.quality(IMAGE_TYPES[name]) if ranges else 1 for name in offered}
    if qualities.get(DEFAULT_FORMAT):
        return DEFAULT_FORMAT
    best = max(qualities.values(), default=0)
    return next((name for name in offered if best and qualities[name] == best), None)


def error_form(
    *, sec_fetch_dest: str | None, accept: str | None, on_error: str | None, pictures: bool
) -> ErrorForm:
    """Return the form of an error that the client can show: a picture, a page or a problem.

    Sec-Fetch-Dest tells most exactly what the client does with the answer, but browsers send it over
    HTTPS and to localhost only, so on an intranet's plain HTTP the Accept header decides. A client
    that names JSON is a program: no browser does for an <img> or a page. A picture is an SVG. Where images
    are accepted but not SVG (only `image/png`, say), the client is a program, since every browser takes SVG,
    and the words of a problem help more than a picture that cannot be shown.
    """
    ranges = _ranges(accept)
    may_picture = pictures and on_error != "status" and (not ranges or ranges.quality(IMAGE_TYPES["svg"]) > 0)
    destination = (sec_fetch_dest or "").strip().lower()
    if destination == "image":
        return "picture" if may_picture else "problem"
    if destination in _NAVIGATIONS:
        return "page"
    if destination == "empty":  # fetch() and XMLHttpRequest
        return "problem"

    json = max((q for name, q in ranges if name in _JSON), default=0)
    html = max((q for name, q in ranges if name == "text/html"), default=0)
    image = max((q for name, q in ranges if name.startswith("image/")), default=0)
    if json and json >= max(html, image):
        return "problem"
    if html:
        return "page"
    return "picture" if image and may_picture else "problem"


def _ranges(accept: str | None) -> MIMEAccept:
    """Return the media ranges of an Accept header, without their parameters; none is as good as absent."""
    parsed = parse_accept_header(_BARE_QUALITY.sub(r"\g<1>0.", accept or ""))
    names = ((name.partition(";")[0].strip().lower(), quality) for name, quality in parsed)
    ranges = [("*/*" if name == "*" else name, quality) for name, quality in names]
    return MIMEAccept([(name, quality) for name, quality in ranges if "/" in name])
