"""The Flask app of a server that plotroute owns: one door for every address.

Addresses come and go with the author's files, and Flask takes no new routes once it has answered, so all
of them are resolved behind two catch-all rules.
"""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.exceptions import MethodNotAllowed as UnusualMethod
from werkzeug.routing import WebsocketMismatch

from plotroute.errors import AnswerError, PlotFailed
from plotroute.pipeline import Pipeline
from plotroute.settings import Settings
from plotroute.web.access import PublicAccess
from plotroute.web.gate import Gate
from plotroute.web.metrics import Metrics
from plotroute.web.pages.html import path_of
from plotroute.web.proxies import link_prefix
from plotroute.web.request_context import RequestContext
from plotroute.web.response_cache import RAW, ResponseCache
from plotroute.web.standalone.views import Views
from plotroute.web.transport.send_backlog import Outgoing

log = logging.getLogger("plotroute.access")

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(
    pipeline: Pipeline,
    settings: Settings,
    *,
    gate: Gate | None = None,
    site: Path | None = None,
    development: bool = False,
    metrics: Metrics | None = None,
    answers: ResponseCache | None = None,
    outgoing: Outgoing | None = None,
) -> Flask:
    """Return the app that answers every plot of `pipeline`.

    Args:
        pipeline: What draws, or looks up.
        settings: The settings of the server.
        gate: What every answer about a plot passes; by default every reader may see every plot.
        site: A folder of files of a front end, served beside the plots.
        development: Show tracebacks: for loopback only.
        metrics: The counters.
        answers: Gets each answer that was looked up, for the next request that is the same.
        outgoing: Counts the bytes that are on their way to readers.
    """
    app = Flask("plotroute.web", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False  # no redirects: they go where a Host header says
    views = Views(
        pipeline,
        settings,
        metrics or Metrics(),
        gate or Gate(PublicAccess(settings)),
        site=site,
        development=development,
        outgoing=outgoing,
    )

    @app.before_request
    def begin() -> None:
        prefix = link_prefix(request.environ, settings)
        g.context = RequestContext(prefix=prefix, home=f"{path_of(prefix)}/")

    @app.route("/", defaults={"path": ""}, methods=_METHODS, provide_automatic_options=False)
    @app.route("/<path:path>", methods=_METHODS, provide_automatic_options=False)
    def answer(path: str) -> Response:
        return views.answer("/" + path, g.context)

    _handle_errors(app, views, settings, development)

    @app.after_request
    def end(response: Response) -> Response:
        context: RequestContext = g.context
        context.end(response, views.metrics)
        if answers is not None and RAW in request.environ:
            context.keep_ready(answers, request.environ[RAW], response)
        return response

    return app


def _handle_errors(app: Flask, views: Views, settings: Settings, development: bool) -> None:
    """Have the app answer each error in a form that its client can show."""

    @app.errorhandler(AnswerError)
    def wrong(error: AnswerError) -> Response:
        context: RequestContext = g.context
        return context.failed(error, pictures=settings.error_pictures, development=development)

    # A method that no rule has, a line break in a path, an Upgrade: what the two rules do not take.
    @app.errorhandler(UnusualMethod)
    @app.errorhandler(NotFound)
    @app.errorhandler(WebsocketMismatch)
    def unusual(_: HTTPException) -> Response:
        try:
            return views.answer(request.path, g.context)  # which says what there is at that address
        except AnswerError as error:
            return wrong(error)

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
            return Response(
                f"{error.code} {error.name}\n",
                error.code,
                {"Cache-Control": "no-store"},
                content_type="text/plain; charset=utf-8",
            )
        log.exception("%s %s: a fault of plotroute's own", g.context.request_id, request.path)
        return wrong(PlotFailed("Something went wrong"))
