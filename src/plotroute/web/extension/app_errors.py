"""What an app's own tools are told of a plot that fails: Flask's signal, and the app's error handlers."""

from __future__ import annotations

from typing import Any

from flask import current_app, got_request_exception, request

from plotroute.errors import AnswerError, RenderError

_FAILURES = (500, 504)
"""Statuses of faults. A 503 says that the server is busy or starting, which counts tell better."""


def is_failure(error: AnswerError) -> bool:
    """Whether the error is a fault of a plot or of plotroute, and not a busy server or a wrong request."""
    return isinstance(error, RenderError) and error.status in _FAILURES


def report(error: AnswerError) -> None:
    """Send Flask's `got_request_exception`, by which Sentry and its like learn of an exception.

    A plot's exception was raised in another process, so its traceback comes along as a note.
    """
    if is_failure(error):
        if error.detail and error.detail not in getattr(error, "__notes__", ()):
            error.add_note(error.detail)
        app: Any = current_app
        got_request_exception.send(app._get_current_object(), exception=error)


def handled(error: AnswerError) -> Any:
    """Return what the app's own handler answers, or None where it has none for plotroute's errors.

    A handler of all exceptions is for the app's views: it would answer an `<img>` with a page.
    """
    kinds = [kind for kind in type(error).__mro__ if issubclass(kind, AnswerError)]
    for blueprint in (*request.blueprints, None):
        handlers = current_app.error_handler_spec[blueprint][None]
        for kind in kinds:
            if kind in handlers:
                return current_app.ensure_sync(handlers[kind])(error)
    return None
