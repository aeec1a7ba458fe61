"""Explain errors of author code that misses something where plots are drawn, and name the cure."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

log = logging.getLogger("plotroute.render")

_NO_REQUEST = (
    "A plot is drawn in a process of its own, for all users with access to it: there is no request, session, "
    "flash or current_user, and nothing that hooks have put on g. Take what the picture depends on as a "
    "parameter; take the logged-in user as `user: User` (from plotroute import User). Code that plots share "
    "with views can ask has_request_context()."
)
_NO_URLS = (
    "A plot is drawn without a request, so url_for() cannot know the server's name: set SERVER_NAME in the "
    "app's config, or write a path."
)
_NO_APP = (
    'The process that draws has no app: say what makes it, init_app(app, factory="shop:create_app") or '
    'factory="shop.wsgi:app".'
)

_draws: ContextVar[bool] = ContextVar("plotroute.draws", default=False)
_missed: ContextVar[dict[str, str]] = ContextVar("plotroute.missed")
"""Name that was looked up on `g` in vain → file and line."""

_warned: set[tuple[str, str]] = set()


class NoCurrentUser(Exception):
    """A plot has read `current_user`.

    Not a RuntimeError or an AttributeError: `if current_user` and `getattr(current_user, "team", None)` take
    these for an answer.
    """


class _NoUser:
    """Stands for a user in a plot: every use of it raises an error.

    `current_user` itself cannot raise everywhere: Python takes an error in finding `__eq__` for "not equal".
    """

    def _refuse(self, *_: object) -> Any:
        raise NoCurrentUser("there is no current_user where plots are drawn")

    __getattribute__ = __bool__ = __str__ = __repr__ = __eq__ = __ne__ = __hash__ = _refuse


@contextmanager
def author_code(what: str) -> Iterator[None]:
    """Report what is missing while the body calls a function of the author's.

    Flask-Login's `current_user` raises an error. Without a request it stands for None, so a helper that reads
    it would draw one picture for all users: "Hello None", or the rows of all users. Requests in other threads
    still read their own.

    A name that the author's code looks up on `g`, does not find and does not set, is logged. It is no error:
    a helper that finds an id for its log lines there, or none, does no harm.

    Args:
        what: The function in words, for the log: "The plot sales/revenue".
    """
    _watch_current_user()
    drawing = _draws.set(True)
    missed: dict[str, str] = {}
    missing = _missed.set(missed)
    try:
        with _watched_g() as g:
            yield
        for name, place in missed.items():
            if name not in vars(g) and (what, name) not in _warned:
                _warned.add((what, name))
                log.warning("%s looks for g.%s (%s), which is not there. %s", what, name, place, _NO_REQUEST)
    finally:
        _missed.reset(missing)
        _draws.reset(drawing)


@contextmanager
def _watched_g() -> Iterator[Any]:
    """Note names that are looked up in vain on the `g` of the current app's context; yield that `g`."""
    context: Any = getattr(sys.modules.get("flask.globals"), "app_ctx", None)
    g: Any = context.g if context else None
    own: Any = type(g)
    watched = False
    with suppress(TypeError):  # None, or of a class of the app's own that has no room for it
        # Its own __setattr__ would put the class among the app's names.
        object.__setattr__(g, "__class__", _noting(own))
        watched = True
    try:
        yield g if watched else _Nothing()
    finally:
        if watched:
            object.__setattr__(g, "__class__", own)


class _Nothing:
    """In the place of a `g` that cannot be watched."""


@cache
def _noting(own: Any) -> Any:
    """Return a class like `own`, that of an app's `g`, which notes what is looked for in vain."""

    class Noting(own):  # type: ignore[misc]
        def __getattr__(self, name: str) -> Any:
            _miss(name, sys._getframe(1))
            return super().__getattr__(name)

        def __contains__(self, name: object) -> bool:
            found = bool(super().__contains__(name))
            if not found:
                _miss(str(name), sys._getframe(1))
            return found

        def get(self, name: str, default: Any = None) -> Any:
            if name not in vars(self):
                _miss(name, sys._getframe(1))
            return super().get(name, default)

    return Noting


def _miss(name: str, frame: FrameType | None) -> None:
    """Note a name if the author's code has looked it up; libraries use `g` too."""
    while frame is not None and frame.f_globals.get("__name__") == "werkzeug.local":
        frame = frame.f_back
    if frame is not None and not name.startswith("__") and "site-packages" not in frame.f_code.co_filename:
        place = f"{Path(frame.f_code.co_filename).name}, line {frame.f_lineno}"
        _missed.get().setdefault(name, place)


def _watch_current_user() -> None:
    # Only the app imports Flask-Login: without it, there is no `current_user`.
    proxy = getattr(sys.modules.get("flask_login.utils"), "current_user", None)
    if proxy is None:
        return
    # Every use of the proxy goes through this slot, whichever module has imported it.
    read: Any = object.__getattribute__(proxy, "_get_current_object")
    if getattr(read, "__module__", None) == __name__:
        return

    def current_user() -> Any:
        user = read()
        return _NoUser() if user is None and _draws.get() else user

    object.__setattr__(proxy, "_get_current_object", current_user)


def explain(error: BaseException) -> None:
    """Add the cure as a note to an error, if the error shows that something is missing here."""
    note = _note(error)
    if note and note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _note(error: BaseException) -> str:
    if isinstance(error, NoCurrentUser):
        return _NO_REQUEST
    text = str(error)
    if isinstance(error, RuntimeError):
        if "outside of request context" in text:
            return _NO_REQUEST
        if "outside of application context" in text:
            return _NO_APP
        if "SERVER_NAME" in text and "Unable to build URLs" in text:
            return _NO_URLS
    if isinstance(error, AttributeError) and _raised_in(error) == "_AppCtxGlobals.__getattr__":
        return _NO_REQUEST
    return ""


def _raised_in(error: BaseException) -> str:
    """Return the name of the function that raised."""
    name, traceback = "", error.__traceback__
    while traceback is not None:
        name, traceback = traceback.tb_frame.f_code.co_qualname, traceback.tb_next
    return name
