"""The answer to a request that went wrong: a picture, a page or a problem, as `negotiate.error_form` chose.

The status tells the truth in each of them, none is ever stored, and outside development none shows a
traceback, a path or a version.
"""

from __future__ import annotations

import re

from flask import Response

from plotroute.errors import AnswerError
from plotroute.web.errors.page import page
from plotroute.web.errors.picture import picture
from plotroute.web.errors.problem_json import problem
from plotroute.web.headers import PAGE_POLICY, PICTURE_POLICY
from plotroute.web.negotiate import ErrorForm


def respond(
    error: AnswerError,
    form: ErrorForm,
    *,
    request_id: str,
    size: tuple[int, int] | None,
    development: bool,
    theme: str | None = None,
    home: str = "/",
) -> Response:
    """Return an error as a response in one of its three forms. Needs neither a request nor an app.

    Args:
        error: The error. Its headers are sent, but never in place of those that are set here.
        form: `picture`, `page` or `problem`.
        request_id: The name of the request in the log.
        size: The size that the request asked of the picture, in CSS pixels.
        development: Show the traceback.
        theme: `dark` for a picture that is light on dark.
        home: The address of the list of plots, for a link; empty where there is none.

    Example:
        >>> error = UnknownPlot("There is no such plot")
        >>> respond(error, "page", request_id="4f2a", size=None, development=False).status
        '404 NOT FOUND'
    """
    request_id = _header(request_id)
    if form == "picture":
        body = picture(error, request_id, size, development, theme)
        kind, policy = "image/svg+xml", PICTURE_POLICY
    elif form == "page":
        body, kind, policy = page(error, request_id, development, home), "text/html", PAGE_POLICY
    else:
        body, kind, policy = problem(error, request_id, development), "application/problem+json", ""

    response = Response(body.encode("utf-8"), status=error.status, mimetype=kind)
    for name, value in error.headers.items():
        if _TOKEN.fullmatch(name) and name.lower() not in _OURS:
            response.headers[name] = _header(value)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept, Sec-Fetch-Dest"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Request-ID"] = request_id
    if policy:
        response.headers["Content-Security-Policy"] = policy
    return response


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = {"content-type", "content-length"}


def _header(value: object) -> str:
    """Return the characters of a text that a header may hold: without line ends, it cannot start another."""
    return re.sub(r"[^\x20-\x7e]", "", str(value))[:1000]
