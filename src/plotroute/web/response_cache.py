"""Answers that are ready: from a raw request to the very answer that the same request has had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from flask import Response

from plotroute.pipeline import Pipeline
from plotroute.pipeline.requests import PictureRequest, Validity
from plotroute.web.gate import Gate

Request = tuple[str | None, ...]
"""Path, query, Accept and If-None-Match: all of a GET that an answer depends on, but for its request id."""

RAW = "plotroute.raw"
"""Where in the environ the app finds the request as it came in: paths are rewritten on the way to it."""

# With requests of at most so many characters, some 8 MB.
_MOST_ENTRIES = 4096
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer, less its body and its request id."""

    status: str
    code: int
    headers: list[tuple[str, str]]
    key: str | None
    """What the cache must still have; None: the answer has no body, and its ETag is a key itself."""
    etag: str
    validity: Validity
    wanted: PictureRequest
    outcome: str
    line: str
    """For the log, between the request id and the time it took."""


class ResponseCache:
    """The answers of one server, as many as have room; the oldest goes first."""

    def __init__(self, pipeline: Pipeline, gate: Gate) -> None:
        """Each answer passes `gate` again, for the reader that gets it."""
        self._pipeline = pipeline
        self._gate = gate
        self._answers: dict[Request, Ready] = {}
        self._lock = Lock()

    def find(self, request: Request, environ: Mapping[str, Any]) -> tuple[Ready, bytes] | None:
        """Return the answer and its body, if the request still has that answer.

        Raises:
            AnswerError: The gate refuses this reader the answer.
        """
        found = self._find(request)
        if found is not None:
            wanted = found[0].wanted
            self._gate.admit(environ, wanted.plot, wanted.job.values)
        return found

    def _find(self, request: Request) -> tuple[Ready, bytes] | None:
        ready = self._answers.get(request)
        if ready is None or not self._pipeline.is_valid(ready.validity):
            return None
        if ready.key is None:
            return ready, b""
        stored = self._pipeline.stored(ready.key)
        # Another drawing may have taken its place, with an ETag of its own.
        if not stored or stored.etag != ready.etag:
            return None
        return ready, stored.image.body if ready.code == 200 else b""

    def remember(
        self,
        request: Request,
        wanted: PictureRequest,
        response: Response,
        expires_at: float | None,
        outcome: str,
        line: str,
    ) -> None:
        """Keep the answer to an order that was looked up."""
        # What is another for each reader is not in the raw request.
        if wanted.plot.users or sum(len(part or "") for part in request) > _LONGEST:
            return
        validity = Validity.of(wanted, expires_at)
        if validity is None:
            return
        ready = Ready(
            status=response.status,
            code=response.status_code,
            headers=[(name, value) for name, value in response.headers.items() if name != "X-Request-ID"],
            key=None
            if response.status_code == 304 and response.headers["ETag"] == wanted.etag
            else wanted.key,
            etag=response.headers["ETag"],
            validity=validity,
            wanted=wanted,
            outcome=outcome,
            line=line,
        )
        with self._lock:
            self._answers.pop(request, None)
            while len(self._answers) >= _MOST_ENTRIES:
                del self._answers[next(iter(self._answers))]
            self._answers[request] = ready


def raw(environ: Mapping[str, Any]) -> Request:
    """Return what of a WSGI environ decides the answer to a GET.

    A server may leave out a variable that would be empty (PEP 3333), and eventlet does.
    """
    return (
        environ.get("PATH_INFO", ""),
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_ACCEPT"),
        environ.get("HTTP_IF_NONE_MATCH"),
    )
