"""The Flask app of a server that plotroute owns: one door for every address.

Addresses come and go with the author's files, and Flask takes no new routes once it has answered, so all
of them are resolved behind two catch-all rules.
"""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as UnusualMethod

from plotroute.errors import AnswerError, PlotFailed, RenderError
from plotroute.pipeline import Pipeline
from plotroute.settings import Settings
from plotroute.web import negotiate
from plotroute.web.metrics import Metrics
from plotroute.web.problems import respond
from plotroute.web.ready import ReadyAnswers, raw
from plotroute.web.request_ids import request_id
from plotroute.web.views import Views

log = logging.getLogger("plotroute.access")

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def create_app(
    pipeline: Pipeline,
    settings: Settings,
    *,
    site: Path | None = None,
    development: bool = False,
    metrics: Metrics | None = None,
    answers: ReadyAnswers | None = None,
) -> Flask:
    """Return the app that answers every plot of `pipeline`.

    `site` is a folder of files of a front end, served beside the plots. `development` shows tracebacks:
    for loopback only. What was looked up is put into `answers`, for who asks the same again.
    """
    app = Flask("plotroute.web", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = False  # no redirects: they go where a Host header says
    views = Views(pipeline, settings, metrics or Metrics(), site=site, development=development)

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id(request.headers.get("X-Request-ID"))
        g.plot = g.outcome = g.key = "-"
        g.looked_up = None

    @app.route("/", defaults={"path": ""}, methods=_METHODS, provide_automatic_options=False)
    @app.route("/<path:path>", methods=_METHODS, provide_automatic_options=False)
    def answer(path: str) -> Response:
        return views.answer("/" + path)

    @app.errorhandler(AnswerError)
    def wrong(error: AnswerError) -> Response:
        if isinstance(error, RenderError) and error.detail:
            log.error("%s %s: %s\n%s", g.request_id, g.plot, error.title, error.detail.rstrip())
        g.outcome = error.code
        form = negotiate.error_form(
            sec_fetch_dest=request.headers.get("Sec-Fetch-Dest"),
            accept=request.headers.get("Accept"),
            on_error=request.args.get("on_error"),
            pictures=settings.error_pictures,
        )
        return respond(error, form, request_id=g.request_id, size=_asked_size(), development=development)

    @app.errorhandler(UnusualMethod)
    def unusual_method(_: UnusualMethod) -> Response:
        try:
            return views.answer(request.path)  # which says what is allowed at that address
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
        log.exception("%s %s: a fault of plotroute's own", g.request_id, request.path)
        return wrong(PlotFailed("Something went wrong"))

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        url = request.full_path.rstrip("?").encode("ascii", "backslashreplace").decode()
        line = f"{request.method} {url} {response.status_code} {g.outcome} key={g.key}"
        if answers is not None and g.looked_up is not None and request.method == "GET":
            order, expires_at = g.looked_up
            answers.remember(raw(request.environ), order, response, expires_at, g.outcome, line)
        seconds = time.perf_counter() - g.started
        views.metrics.count([(g.plot, response.status_code, g.outcome, seconds)])
        log.info("%s %s %.1f ms", g.request_id, line, seconds * 1000)
        return response

    return app


def _asked_size() -> tuple[int, int] | None:
    """Return the size that an error picture takes the place of, as far as the request says."""
    sides = [request.args.get(side, "") for side in ("width", "height")]
    numbers = [int(side) if re.fullmatch(r"[0-9]{1,5}", side) else 0 for side in sides]
    if not any(numbers):
        return None
    # One side alone: 8:5, the shape of the default error picture.
    width, height = numbers
    return width or round(height * 1.6), height or round(width / 1.6)
