"""plotroute's own pages: one table of them, for `plotroute serve` and for plots in an app.

A page knows nothing of what it is part of. It is given a `Host`: the plots that the reader may know of, and
what links to them have in front.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Response

from plotroute.model import Manifest
from plotroute.routing.removed import Departure
from plotroute.web import responses
from plotroute.web.metrics import Metrics
from plotroute.web.pages import listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the pages are part of, as one request sees it: a server, or an app.

    All but the plain texts are functions: `/healthz` answers while nothing can draw yet, and starts nothing.
    """

    manifest: Callable[[], Manifest]
    """Return the plots that the reader may know of."""
    is_ready: Callable[[], bool]
    """Whether pictures can be drawn."""
    metrics: Callable[[], Metrics]
    """Return the counters."""
    prefix: str
    """What addresses have in front in links."""
    development: bool = False
    """Show what only the author may see."""
    private: Callable[[], bool] = lambda: False
    """Whether shared caches must not keep a list of plots."""
    departures: Callable[[Manifest], Sequence[Departure]] = lambda manifest: ()
    """Return the addresses that are gone since the server started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPage:
    """One of plotroute's own addresses."""

    address: str
    answer: Callable[[Host], Response]
    part: str
    """The part of `serve=` that puts the page into an app; `root` for pages of a whole server only."""
    is_open: bool = False
    """Whether an app answers without its decorators: a probe of the operator's cannot log in."""


def _list_page(host: Host) -> Response:
    manifest = host.manifest()
    page = listing.page(
        manifest,
        development=host.development,
        prefix=host.prefix,
        departures=host.departures(manifest) if host.development else (),
    )
    return responses.page(page, host.private())


def _list_json(host: Host) -> Response:
    return responses.json(
        listing.listing(host.manifest(), prefix=host.prefix), "application/json", host.private()
    )


def _healthz(host: Host) -> Response:
    return responses.plain("ok\n")


def _readyz(host: Host) -> Response:
    return responses.plain("ready\n") if host.is_ready() else responses.plain("no plots are loaded\n", 503)


def _metrics(host: Host) -> Response:
    return responses.plain(*host.metrics().exposition())


OWN_PAGES = (
    OwnPage(address="/", answer=_list_page, part="root"),
    OwnPage(address="/plots", answer=_list_page, part="gallery"),
    OwnPage(address="/plots.json", answer=_list_json, part="gallery"),
    OwnPage(address="/healthz", answer=_healthz, part="ops", is_open=True),
    OwnPage(address="/readyz", answer=_readyz, part="ops", is_open=True),
    OwnPage(address="/metrics", answer=_metrics, part="ops"),
    OwnPage(address="/favicon.ico", answer=lambda host: responses.icon(), part="root"),
)
