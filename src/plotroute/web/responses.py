"""Pictures and documents → HTTP responses: the one place that writes their headers."""

from __future__ import annotations

import json as json_
import math
import re
from collections.abc import Iterable
from typing import Any

from flask import Response, request

from plotroute import digest
from plotroute.model import IMAGE_TYPES, PlotSpec
from plotroute.pipeline.requests import PictureRequest, Result
from plotroute.routing.routes import ROOT, fixed_format
from plotroute.web.headers import PAGE_POLICY, PICTURE_POLICY, cache_control

# RFC 9211: what the cache did, in its words.
_CACHE_STATUS = {
    "hit": "hit",
    "miss": "fwd=uri-miss; stored",
    "expired": "fwd=stale; stored",
    "shared": "fwd=uri-miss; collapsed",
    "live": "fwd=bypass",
    "stale": "hit; detail=stale",
}


def picture(wanted: PictureRequest, answer: Result, negotiated: bool, *, private: bool = False) -> Response:
    """Return a picture with the headers that tell the truth about it."""
    image = answer.image
    response = Response(image.body, content_type=image.type)
    response.headers["ETag"] = answer.etag
    _keep(response, wanted.plot, negotiated, private, answer.outdated_for)
    response.headers["Cache-Status"] = f"plotroute; {_CACHE_STATUS[answer.outcome]}"
    # A picture out of the cache cost this request no loading, drawing or encoding.
    spent = image.timings if answer.outcome not in ("hit", "stale") else {}
    response.headers["Server-Timing"] = ", ".join(
        f"{name};dur={spent.get(name, 0.0) * 1000:.1f}" for name in ("data", "draw", "encode")
    )
    kind = "attachment" if wanted.download else "inline"
    response.headers["Content-Disposition"] = f'{kind}; filename="{_file_name(wanted, image.type)}"'
    if image.type == "image/svg+xml":
        response.headers["Content-Security-Policy"] = PICTURE_POLICY
    return response


def not_modified(
    plot: PlotSpec,
    etag: str,
    negotiated: bool,
    *,
    drawn: bool,
    private: bool = False,
    outdated_for: float | None = None,
) -> Response:
    """Return a 304 with the headers that RFC 9110 (15.4.5) asks for."""
    response = Response(status=304)
    del response.headers["Content-Type"]
    response.headers["ETag"] = etag
    _keep(response, plot, negotiated, private, outdated_for)
    status = "fwd=bypass" if drawn else "hit"
    response.headers["Cache-Status"] = f"plotroute; {status}; detail=not-modified"
    response.headers["Server-Timing"] = "data;dur=0.0, draw;dur=0.0, encode;dur=0.0"
    return response


def options(methods: Iterable[str]) -> Response:
    """Return the answer to OPTIONS."""
    return Response(status=204, headers={"Allow": ", ".join(methods), "Cache-Control": "no-store"})


def json(document: Any, media_type: str, private: bool = False) -> Response:
    """Return a JSON document that browsers may keep but have to ask about."""
    body = json_.dumps(document, ensure_ascii=False, allow_nan=False, indent=2).encode("utf-8", "replace")
    return _conditional(Response(body, content_type=media_type), private)


def page(html: str, private: bool = False) -> Response:
    """Return a page for people."""
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return _conditional(response, private)


_ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">\
<rect width="16" height="16" rx="3" fill="#fff"/>\
<path d="M3 2v11h11M5 10l3-4 2 2 3-5" fill="none" stroke="#1f77b4" stroke-width="1.6"/></svg>"""


def icon() -> Response:
    """Return the icon that browsers ask for beside every page."""
    response = Response(_ICON, content_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    return response


def plain(text: str | bytes, status: int = 200, media_type: str = "text/plain; charset=utf-8") -> Response:
    """Return a text for machines that must be new every time."""
    return Response(text, status, {"Cache-Control": "no-store"}, content_type=media_type)


def _keep(
    response: Response, plot: PlotSpec, negotiated: bool, private: bool, outdated_for: float | None
) -> None:
    response.headers["Cache-Control"] = cache_control(plot, private=private)
    if outdated_for is not None:
        # Past its max-age for as long as it is outdated. Caches on the way count on from there (RFC 9111,
        # 5.1), so that all of them together show it no longer than `stale=` says.
        response.headers["Age"] = str(plot.max_age + math.ceil(outdated_for))
    if negotiated:
        response.headers["Vary"] = "Accept"


def _conditional(response: Response, private: bool) -> Response:
    response.headers["Cache-Control"] = "private, no-cache" if private else "no-cache"
    response.set_etag(digest.of_bytes(response.get_data()), weak=True)
    response.make_conditional(request)
    return response


def _file_name(wanted: PictureRequest, media_type: str) -> str:
    """Return a file name of letters, digits and . _ - that no header or file system trips over."""
    address = wanted.plot.addresses[0].removeprefix(ROOT)
    stem = address.removesuffix(f".{fixed_format(address)}")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")[:100] or "plot"
    suffix = next((s for s, kind in IMAGE_TYPES.items() if kind == media_type), "bin")
    return f"{stem}.{suffix}"
