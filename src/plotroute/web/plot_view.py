"""The pictures: what the address of one plot answers, in a server of plotroute's and in an app alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from flask import Response, request

from plotroute.errors import (
    InvalidParameters,
    MethodNotAllowed,
    NotAcceptable,
    ParameterError,
    PreconditionFailed,
    UnsupportedMediaType,
)
from plotroute.model import IMAGE_TYPES, Json, Manifest, PlotSpec
from plotroute.pipeline import IncomingRequest, Pipeline
from plotroute.pipeline.requests import PictureRequest
from plotroute.routing.representations import SCHEMA
from plotroute.routing.routes import Match
from plotroute.settings import Settings
from plotroute.web import negotiate, responses
from plotroute.web.gate import Gate
from plotroute.web.pages import listing
from plotroute.web.request_context import RequestContext
from plotroute.web.transport.request_body import Bodies
from plotroute.web.transport.send_backlog import Outgoing

# More parameters than any plot has; above, the text is not even split.
_MOST_FIELDS = 200


class Pictures:
    """The views of the plots of one server."""

    def __init__(
        self, pipeline: Pipeline, settings: Settings, gate: Gate, outgoing: Outgoing | None = None
    ) -> None:
        """`outgoing` counts what is on its way, where the server copies what it is handed."""
        self._pipeline = pipeline
        self._gate = gate
        self._access = gate.access
        self._outgoing = outgoing
        self._bodies = Bodies(settings)

    def answer(self, manifest: Manifest, found: Match, context: RequestContext) -> Response:
        """Answer a request whose address means `found`; raises the AnswerError that is the answer."""
        context.plot = found.plot.name
        allowed = methods(found.plot)
        if request.method == "OPTIONS":
            return responses.options(allowed)
        if request.method not in allowed:
            raise MethodNotAllowed(
                f"{request.method} is not allowed here", headers={"Allow": ", ".join(allowed)}
            )
        if view := _DOCUMENT_VIEWS.get(found.format or ""):
            self._gate.admit(request.environ, found.plot, {})
            return view(found.plot, context, self._access.private(found.plot))
        return self._picture(manifest, found, context)

    def _picture(self, manifest: Manifest, found: Match, context: RequestContext) -> Response:
        """A picture: which format → which picture → may they see it → 304, or look up or draw → answer."""
        wanted, negotiated = self._wanted(manifest, found, context)
        context.key = wanted.key
        private = self._access.private(found.plot)
        if wanted.etag is not None and _knows(wanted.etag):
            context.outcome = "not-modified"
            context.looked_up = wanted, None
            return responses.not_modified(wanted.plot, wanted.etag, negotiated, drawn=False, private=private)
        answer = self._pipeline.image(wanted)
        context.outcome = answer.outcome
        known = _knows(answer.etag)
        if self._outgoing is not None and not known and request.method != "HEAD":
            self._outgoing.check(len(answer.image.body))
        if answer.outcome == "hit":
            context.looked_up = wanted, answer.expires_at
        if known:
            drawn = answer.outcome not in ("hit", "stale")
            return responses.not_modified(
                wanted.plot,
                answer.etag,
                negotiated,
                drawn=drawn,
                private=private,
                outdated_for=answer.outdated_for,
            )
        return responses.picture(wanted, answer, negotiated, private=private)

    def _wanted(
        self, manifest: Manifest, found: Match, context: RequestContext
    ) -> tuple[PictureRequest, bool]:
        """Return the picture of the request if the reader may see it, and whether Accept chose its format."""
        accept = request.headers.get("Accept")
        format = found.format or negotiate.image_format(accept, tuple(IMAGE_TYPES))
        if format is None:
            raise NotAcceptable("None of the types in Accept is a picture's", allowed=[*IMAGE_TYPES.values()])
        negotiated = found.format is None
        try:
            incoming = IncomingRequest(
                manifest=manifest,
                match=found,
                query=query_pairs(),
                # Only a suffix, or an Accept without PNG, makes any other format a wrong answer.
                format=None if negotiated and format == "png" else format,
                body=self._body() if request.method == "POST" else None,
                user=self._access.user() if found.plot.users else None,
                allow=lambda values: self._gate.admit(request.environ, found.plot, values),
                request_id=context.request_id,
            )
            wanted = self._pipeline.prepare(incoming)
        except InvalidParameters:
            # What is wrong tells what would be right: not for readers that may not know of the plot.
            self._gate.admit(request.environ, found.plot, {})
            raise
        return wanted, negotiated

    def _body(self) -> Mapping[str, Json]:
        """Return the parameters in the JSON body of a POST."""
        # Read even if of no use: a client that is answered before it has sent all sees a broken connection.
        greeted = "Expect" in request.headers
        data = self._bodies.read(request.stream, request.content_length, greeted=greeted)
        if request.mimetype != "application/json" or request.headers.get("Content-Encoding"):
            raise UnsupportedMediaType("Only plain application/json is read")
        return _json_object(data)


def _schema(plot: PlotSpec, context: RequestContext, private: bool) -> Response:
    """Return the answer to `<address>.schema.json`."""
    return responses.json(listing.schema(plot, prefix=context.prefix), SCHEMA.media_type, private)


_DOCUMENT_VIEWS: Mapping[str, Callable[[PlotSpec, RequestContext, bool], Response]] = {SCHEMA.suffix: _schema}
"""What answers for each of the documents of `routing.representations`: its plot, the request, and whether
the answer is private."""


def _knows(etag: str) -> bool:
    """Whether the request says that it has the picture of this ETag; PreconditionFailed if it is no read."""
    known = request.if_none_match.contains_weak(etag[3:-1])
    if known and request.method not in ("GET", "HEAD"):
        raise PreconditionFailed("If-None-Match names this very picture")  # RFC 9110, 13.1.2
    return known


def methods(plot: PlotSpec) -> tuple[str, ...]:
    """Return the methods that the addresses of a plot allow."""
    return ("GET", "HEAD", "OPTIONS", *(("POST",) if plot.adhoc else ()))


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
