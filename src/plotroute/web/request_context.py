"""One request and its answer, as the log, the counters and the headers are to tell it."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from plotroute.errors import AnswerError, RenderError, UnknownPlot, from_wire
from plotroute.pipeline.requests import PictureRequest
from plotroute.web import negotiate
from plotroute.web.errors.respond import respond
from plotroute.web.metrics import Metrics
from plotroute.web.pages.html import path_of
from plotroute.web.request_ids import request_id
from plotroute.web.response_cache import Request, ResponseCache

log = logging.getLogger("plotroute.access")


@dataclass
class RequestContext:
    """What is known of the request that is being answered."""

    request_id: str = field(default_factory=lambda: request_id(request.headers.get("X-Request-ID")))
    started: float = field(default_factory=time.perf_counter)
    plot: str = "-"
    outcome: str = "-"
    key: str = "-"
    looked_up: tuple[PictureRequest, float | None] | None = None
    """What the cache had the answer to, and until when that is fresh: it may be kept ready."""
    home: str = "/"
    """Where the list of plots is; empty where there is none."""
    prefix: str = ""
    """What plotroute's own addresses have in front in links: `https://example.org/charts`."""

    def _seen(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._seen(one) for one in value]
        return path_of(self.prefix) + value if str(value).startswith("/") else value

    def failed(self, error: AnswerError, *, pictures: bool, development: bool) -> Response:
        """Return the answer that says what went wrong: a picture (if `pictures`), a page or a problem."""
        if isinstance(error, RenderError) and error.detail:
            told = (self.request_id, self.plot, error.title, error.detail.rstrip())
            # The object too, for handlers of the log that tell exceptions apart. Without its traceback, which
            # shows plotroute's own calls only: a handler that keeps records would keep the app by it.
            bare = from_wire(error.to_wire())
            log.error("%s %s: %s\n%s", *told, extra={"error": bare, "plot": self.plot})
        self.outcome = error.code
        if isinstance(error, UnknownPlot):
            # Addresses are to work where the reader sees this server.
            error = UnknownPlot(error.title, **{name: self._seen(it) for name, it in error.members.items()})
        form = negotiate.error_form(
            sec_fetch_dest=request.headers.get("Sec-Fetch-Dest"),
            accept=request.headers.get("Accept"),
            on_error=request.args.get("on_error"),
            pictures=pictures,
        )
        return respond(
            error,
            form,
            request_id=self.request_id,
            size=_asked_size(),
            theme=request.args.get("theme"),
            development=development,
            home=self.home,
        )

    def keep_ready(self, answers: ResponseCache, asked: Request, response: Response) -> None:
        """Keep an answer that was looked up, for the next request that is the same."""
        if self.looked_up is not None:
            wanted, expires_at = self.looked_up
            answers.remember(asked, wanted, response, expires_at, self.outcome, self.line(response))

    def line(self, response: Response) -> str:
        """Return the line of the log, less request id and time."""
        # Decoded, so that it can be read; escaped, so that it stays one line of printable characters.
        url = request.full_path.rstrip("?").encode("unicode_escape").decode()
        return f"{request.method} {url} {response.status_code} {self.outcome} key={self.key}"

    def end(self, response: Response, metrics: Metrics, *, named: bool = True) -> None:
        """Put the headers on that every answer has, log it, and count it (`named`: under the plot's name)."""
        response.headers["X-Request-ID"] = self.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        seconds = time.perf_counter() - self.started
        metrics.count([(self.plot if named else "-", response.status_code, self.outcome, seconds)])
        if log.isEnabledFor(logging.INFO):
            log.info("%s %s %.1f ms", self.request_id, self.line(response), seconds * 1000)


def _asked_size() -> tuple[int, int] | None:
    """Return the size that an error picture takes the place of, as far as the request says."""
    sides = [request.args.get(side, "") for side in ("width", "height")]
    numbers = [int(side) if re.fullmatch(r"[0-9]{1,5}", side) else 0 for side in sides]
    if not any(numbers):
        return None
    # One side alone: 8:5, the shape of the default error picture.
    width, height = numbers
    return width or round(height * 1.6), height or round(width / 1.6)
