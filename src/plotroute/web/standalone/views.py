"""What each address answers: plots first, then plotroute's own pages, then the front end's files."""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Response, request, send_from_directory
from werkzeug.exceptions import NotFound

from plotroute.errors import MethodNotAllowed, PlotFailed, UnknownPlot, UrlTooLong
from plotroute.model import Manifest
from plotroute.pipeline import Pipeline
from plotroute.routing import routes
from plotroute.routing.removed import departed
from plotroute.settings import Settings
from plotroute.web import responses
from plotroute.web.gate import Gate
from plotroute.web.metrics import Metrics
from plotroute.web.own_pages import OWN_PAGES, Host, OwnPage
from plotroute.web.plot_view import Pictures
from plotroute.web.proxies import link_prefix
from plotroute.web.request_context import RequestContext
from plotroute.web.transport.send_backlog import Outgoing

log = logging.getLogger("plotroute")


class Views:
    """The views of one server."""

    def __init__(
        self,
        pipeline: Pipeline,
        settings: Settings,
        metrics: Metrics,
        gate: Gate,
        *,
        site: Path | None,
        development: bool,
        outgoing: Outgoing | None = None,
    ) -> None:
        self.metrics = metrics
        self._pipeline = pipeline
        self._settings = settings
        self._site = site
        self._development = development
        self._announced: Manifest | None = None
        self._first: Manifest | None = None
        """The first version of the code that was seen: what pages may show the addresses of."""
        self._pictures = Pictures(pipeline, settings, gate, outgoing)
        self._own = {page.address: page for page in OWN_PAGES}

    def answer(self, path: str, context: RequestContext) -> Response:
        """Answer the request at `path`, decoded once; raises the AnswerError that is the answer."""
        if len(request.environ.get("RAW_URI", "") or request.full_path) > self._settings.max_url:
            raise UrlTooLong(f"The URL is longer than {self._settings.max_url:,} bytes")
        if path in routes.HEALTH:
            return self._only_read(self._own[path])  # whatever the plots do, and while they are loading
        manifest = self._pipeline.manifest()
        self._announce(manifest)
        try:
            found = self._pipeline.find(manifest, path)
        except UnknownPlot:
            if path in self._own:
                return self._only_read(self._own[path])
            if self._site is not None and (file := self._site_file(path)) is not None:
                return file
            if manifest.problem and self._development:
                # Perhaps the very plot that was just written.
                raise PlotFailed(manifest.problem, detail=manifest.problem_detail) from None
            raise
        return self._pictures.answer(manifest, found, context)

    def _announce(self, manifest: Manifest) -> None:
        """Say once per version of the code which plots took the place of something built in."""
        if manifest is not self._announced:
            self._announced = manifest
            if self._first is None and manifest.plots:
                self._first = manifest
            for plot, address in routes.overrides(manifest, self._own):
                log.info("The plot %s answers %s in place of the built-in one", plot.name, address)

    def _only_read(self, page: OwnPage) -> Response:
        """Answer with one of plotroute's own pages."""
        if request.method == "OPTIONS":
            return responses.options(("GET", "HEAD", "OPTIONS"))
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(
                f"{request.method} is not allowed here", headers={"Allow": "GET, HEAD, OPTIONS"}
            )
        return page.answer(self._host())

    def _host(self) -> Host:
        """Return what plotroute's own pages tell of."""
        first = self._first
        return Host(
            manifest=self._pipeline.manifest,
            is_ready=self._pipeline.ready,
            metrics=lambda: self.metrics,
            prefix=link_prefix(request.environ, self._settings),
            development=self._development,
            departures=lambda manifest: departed(first, manifest) if first else (),
        )

    def _site_file(self, path: str) -> Response | None:
        """Return a file of the front end, or None."""
        assert self._site is not None
        if request.method not in ("GET", "HEAD") or any(part.startswith(".") for part in path.split("/")):
            return None
        try:
            return send_from_directory(self._site, path[1:])
        except NotFound:
            return None
