"""What each address answers: plots first, then plotroute's own pages, then the front end's files."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, g, request, send_from_directory
from werkzeug.exceptions import NotFound

from plotroute import addresses
from plotroute.addresses import SCHEMA, Found
from plotroute.errors import (
    InvalidParameters,
    MethodNotAllowed,
    NotAcceptable,
    ParameterError,
    PlotFailed,
    UnknownPlot,
    UnsupportedMediaType,
    UrlTooLong,
)
from plotroute.model import IMAGE_TYPES, Json, Manifest
from plotroute.pipeline import Pipeline
from plotroute.settings import Settings
from plotroute.web import listing, negotiate, responses
from plotroute.web.bodies import Bodies
from plotroute.web.metrics import Metrics

log = logging.getLogger("plotroute")

# More parameters than any plot has; above, the text is not even split.
_MOST_FIELDS = 200


class Views:
    """The views of one server."""

    def __init__(
        self,
        pipeline: Pipeline,
        settings: Settings,
        metrics: Metrics,
        *,
        site: Path | None,
        development: bool,
    ) -> None:
        self.metrics = metrics
        self._pipeline = pipeline
        self._settings = settings
        self._site = site
        self._development = development
        self._announced: Manifest | None = None
        self._bodies = Bodies(settings)
        self._own = {
            "/": self._list_page,
            "/plots": self._list_page,
            "/plots.json": self._list_json,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/favicon.ico": self._icon,
        }

    def answer(self, path: str) -> Response:
        """Answer the request at `path`, decoded once; raises the AnswerError that is the answer."""
        if len(request.environ.get("RAW_URI", "") or request.full_path) > self._settings.max_url:
            raise UrlTooLong(f"The URL is longer than {self._settings.max_url:,} bytes")
        if path in addresses.HEALTH:
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
        g.plot = found.plot.name
        methods = ("GET", "HEAD", "OPTIONS", *(("POST",) if found.plot.adhoc else ()))
        if request.method == "OPTIONS":
            return responses.options(methods)
        if request.method not in methods:
            raise MethodNotAllowed(
                f"{request.method} is not allowed here", headers={"Allow": ", ".join(methods)}
            )
        if found.format == SCHEMA:
            return responses.json(listing.schema(found.plot), "application/schema+json")
        return self._picture(manifest, found)

    def _announce(self, manifest: Manifest) -> None:
        """Say once per version of the code which plots took the place of something built in."""
        if manifest is not self._announced:
            self._announced = manifest
            for plot, address in addresses.taken(manifest, self._own):
                log.info("The plot %s answers %s in place of the built-in one", plot.name, address)

    def _picture(self, manifest: Manifest, found: Found) -> Response:
        """A picture: which format → which picture → 304, or look up or draw → answer."""
        accept = request.headers.get("Accept")
        format = found.format or negotiate.image_format(accept, tuple(IMAGE_TYPES))
        if format is None:
            raise NotAcceptable("None of the types in Accept is a picture's", allowed=[*IMAGE_TYPES.values()])
        negotiated = found.format is None
        order = self._pipeline.prepare(
            manifest,
            found,
            query_pairs(),
            format=format,
            # Somebody asked for this very one: by a suffix, or by refusing PNG.
            asked_format=not negotiated or format != "png",
            body=self._body() if request.method == "POST" else None,
            request_id=g.request_id,
        )
        g.key = order.key
        if order.etag is not None and request.if_none_match.contains_weak(order.etag[3:-1]):
            g.outcome = "not-modified"
            g.looked_up = order, None
            return responses.not_modified(order.plot, order.etag, negotiated, drawn=False)
        answer = self._pipeline.image(order)
        g.outcome = answer.outcome
        if answer.outcome == "hit":
            g.looked_up = order, answer.expires_at
        if request.if_none_match.contains_weak(answer.etag[3:-1]):
            return responses.not_modified(
                order.plot, answer.etag, negotiated, drawn=answer.outcome not in ("hit", "stale")
            )
        return responses.picture(order, answer, negotiated)

    def _body(self) -> Mapping[str, Json]:
        """Return the parameters in the JSON body of a POST."""
        # Read even if of no use: who is answered before all is sent sees a broken connection instead.
        data = self._bodies.read(request.stream, request.content_length)
        if request.mimetype != "application/json" or request.headers.get("Content-Encoding"):
            raise UnsupportedMediaType("Only plain application/json is read")
        return _json_object(data)

    def _only_read(self, view: Any) -> Response:
        if request.method == "OPTIONS":
            return responses.options(("GET", "HEAD", "OPTIONS"))
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(
                f"{request.method} is not allowed here", headers={"Allow": "GET, HEAD, OPTIONS"}
            )
        response: Response = view()
        return response

    def _list_page(self) -> Response:
        manifest = self._pipeline.manifest()
        return responses.page(listing.page(manifest, development=self._development))

    def _list_json(self) -> Response:
        return responses.json(listing.listing(self._pipeline.manifest()), "application/json")

    def _healthz(self) -> Response:
        return responses.plain("ok\n")

    def _readyz(self) -> Response:
        ready = self._pipeline.ready()
        return responses.plain("ready\n") if ready else responses.plain("no plots are loaded\n", 503)

    def _icon(self) -> Response:
        return responses.icon()

    def _metrics(self) -> Response:
        return responses.plain(*self.metrics.exposition())

    def _site_file(self, path: str) -> Response | None:
        """Return a file of the front end, or None."""
        assert self._site is not None
        if request.method not in ("GET", "HEAD") or any(part.startswith(".") for part in path.split("/")):
            return None
        try:
            return send_from_directory(self._site, path[1:])
        except NotFound:
            return None


def _json_object(data: bytes) -> Mapping[str, Json]:
    """Return the object in a JSON body; InvalidParameters if it is none, or holds NaN or a name twice."""

    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise ValueError("a name stands in it twice")
        return dict(pairs)

    def no_constants(text: str) -> Json:
        raise ValueError(f"{text} is not a number of JSON")

    try:
        found = json.loads(data, object_pairs_hook=once, parse_constant=no_constants)
    except (ValueError, RecursionError) as error:
        raise InvalidParameters([ParameterError("", "malformed", f"the body is not JSON: {error}")]) from None
    if not isinstance(found, dict):
        message = 'the body must be a JSON object, such as {"x": [1, 2], "y": [3, 4]}'
        raise InvalidParameters([ParameterError("", "malformed", message)])
    return found


def query_pairs() -> list[tuple[str, str]]:
    """Return the query, decoded once, strictly: InvalidParameters for bytes that are not UTF-8."""
    text = request.query_string.decode("latin-1")
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        message = "the query is not UTF-8"
    except ValueError:
        message = f"the query has more than {_MOST_FIELDS} parameters"
    raise InvalidParameters([ParameterError("", "malformed", message)])
