"""In an app's tests: draw where production draws, in an app's context without a request.

The app's context stays the one of the test, so a plot sees rows that the test has not committed. What it
would not see in a render process is hidden: the request, the session, and what the request has put on `g`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any, TypeVar

from flask import globals as flask_globals
from flask.globals import app_ctx

T = TypeVar("T")


def without_request(call: Callable[[], T]) -> T:
    """Call in a context that has all of this one but the request."""
    # Flask has no public name for it; a variable that was set cannot be unset, only left out.
    hidden = getattr(flask_globals, "_cv_request", None)
    apart = Context()
    for variable, value in copy_context().items():
        if variable is not hidden:
            apart.run(variable.set, value)
    return apart.run(_with_g_of_its_own, call)


def _with_g_of_its_own(call: Callable[[], T]) -> T:
    with _g_of_its_own():
        return call()


@contextmanager
def _g_of_its_own() -> Iterator[None]:
    """Have `g` empty, as it is in a render process; what is put on it there is left to the app's teardown."""
    found: Any = app_ctx
    context = found._get_current_object()
    outer = context.g
    context.g = inner = context.app.app_ctx_globals_class()
    try:
        yield
    finally:
        context.g = outer
        for name in list(inner):
            if name not in outer:
                setattr(outer, name, inner.get(name))
            elif callable(close := getattr(inner.get(name), "close", None)):
                close()  # a connection, of which the teardown closes the outer one only
