"""Headers that say what an answer is worth and what it may do: Cache-Control and Content-Security-Policy."""

from __future__ import annotations

from plotroute.model import PlotSpec

PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""An SVG opened by itself is a document: it may do nothing."""

PAGE_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy of every page: no scripts, and pictures from this server only."""


def cache_control(plot: PlotSpec, *, private: bool = False) -> str:
    """Return the Cache-Control of a picture: ask every time (a 304 is cheap), unless the author said more.

    With `stale`, caches on the way may do what the server does (RFC 5861). Only the reader's browser keeps a
    `private` picture. A browser revalidates a picture that differs by reader every time, because the next
    user that logs in there has the same address.
    """
    if plot.users:
        return "private, no-cache"
    if private:
        return f"private, {cache_control(plot)}"
    if plot.stale:
        return f"max-age={plot.max_age}, stale-while-revalidate={int(plot.stale)}"
    return f"max-age={plot.max_age}" if plot.max_age else "no-cache"
