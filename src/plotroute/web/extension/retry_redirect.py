"""Turns: an `<img>` that would hold the last thread of a web server is sent to its own address once more.

A browser does not ask again for an image that was answered with 503, so the reader would see a broken picture
for want of a thread. It does follow a redirect, and a redirect goes to the end of the server's queue: what
else waits there is answered first, and meanwhile the picture is drawn.
"""

from __future__ import annotations

from flask import Response, request

from plotroute.errors import AnswerError
from plotroute.web import negotiate
from plotroute.web.request_context import RequestContext

ONE_TURN = 0.5
"""Seconds that such a request holds the only thread of a process: more than most plots take to draw."""

# Browsers follow 20 redirects; some are left for the app's own.
_MOST = 16

# Ignored by every plot, as are all names that begin so.
_COUNTER = "_again"


def again(error: AnswerError, context: RequestContext) -> Response | None:
    """Return the redirect for an image that there was no thread for; None where the error is to be told."""
    if not (error.again and may_come_again()):
        return None
    context.outcome = "again"
    # Relative to the very address that the browser has asked for: whatever proxies have made of it.
    location = "?" + "&".join([*_without_counter(), f"{_COUNTER}={_turns() + 1}"])
    return Response(status=307, headers={"Location": location, "Cache-Control": "no-store"})


def may_come_again() -> bool:
    """Whether the current request is an image's, and has turns left."""
    if request.method != "GET" or _turns() >= _MOST:
        return False
    form = negotiate.error_form(
        sec_fetch_dest=request.headers.get("Sec-Fetch-Dest"),
        accept=request.headers.get("Accept"),
        on_error=None,
        pictures=True,
    )
    return form == "picture"


def name() -> str:
    """Return what the current request has in common with itself, come again, and with no other reader's."""
    reader = f"{request.remote_addr} {request.headers.get('X-Forwarded-For', '')}"
    return f"{reader} {request.path}?{'&'.join(_without_counter())}"


def comes_again() -> bool:
    """Whether the current request was sent to its own address."""
    return _turns() > 0


def _turns() -> int:
    text = request.args.get(_COUNTER, "")
    return int(text) if text.isdecimal() and len(text) < 3 else 0


def _without_counter() -> list[str]:
    pairs = request.query_string.decode("latin-1").split("&")
    return [pair for pair in pairs if pair and not pair.startswith(f"{_COUNTER}=")]
