"""Before Flask: a request that has had its answer gets it again, at the price of looking it up.

Only where plotroute owns the whole server, and only for plots that everyone may see: nothing of an app's
(logins, hooks, other middleware) is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from plotroute.errors import AnswerError
from plotroute.web.access_log import AccessLog
from plotroute.web.request_ids import request_id
from plotroute.web.response_cache import RAW, ResponseCache, raw
from plotroute.web.transport.send_backlog import Outgoing


class ResponseCacheMiddleware:
    """The WSGI app of a server: ready answers first, `app` for all else."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        answers: ResponseCache,
        access_log: AccessLog,
        outgoing: Outgoing,
        drain: Callable[[], None] = lambda: None,
    ) -> None:
        """`drain` has requests that still wait answered, because the server stops."""
        self._app = app
        self._answers = answers
        self._access_log = access_log
        self._outgoing = outgoing
        self.drain = drain

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        started = time.perf_counter()
        if environ["REQUEST_METHOD"] == "GET" and "HTTP_UPGRADE" not in environ:
            asked = raw(environ)
            try:
                found = self._answers.find(asked, environ)
            except AnswerError:  # the app refuses as well, and has the page that says so
                found = None
            # An answer without room falls through to the app, which says so.
            if found is not None and self._outgoing.admits(len(found[1])):
                ready, body = found
                id = request_id(environ.get("HTTP_X_REQUEST_ID"))
                start_response(ready.status, [*ready.headers, ("X-Request-ID", id)])
                self._access_log.note(ready, id, started)
                return [body]
            environ[RAW] = asked
        return self._app(environ, start_response)
