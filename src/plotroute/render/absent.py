"""What author code does not find where plots are drawn, and the cure: told below its error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_NO_REQUEST = (
    "A plot is drawn in a process of its own, for every reader who may see it: there is no request, session, "
    "flash or current_user, and nothing that hooks have put on g. Take what the picture depends on as a "
    "parameter; take who is logged in as `user: User` (from plotroute import User). Code that plots share "
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


class NoCurrentUser(Exception):
    """A plot has read `current_user`.

    Not a RuntimeError or an AttributeError: `if current_user` and `getattr(current_user, "team", None)` take
    these for an answer.
    """


class _NoUser:
    """Stands for a user in a plot: whatever is asked of it raises.

    `current_user` itself cannot raise everywhere: Python takes an error in finding `__eq__` for "not equal".
    """

    def _refuse(self, *_: object) -> Any:
        raise NoCurrentUser("there is no current_user where plots are drawn")

    __getattribute__ = __bool__ = __str__ = __repr__ = __eq__ = __ne__ = __hash__ = _refuse


@contextmanager
def author_code() -> Iterator[None]:
    """Have Flask-Login's `current_user` raise while the body calls a function of the author's.

    Without a request it stands for None, so a helper that reads it would draw one picture for all readers:
    "Hello None", or the rows of everyone. Requests that other threads answer go on reading theirs.
    """
    _watch_current_user()
    token = _draws.set(True)
    try:
        yield
    finally:
        _draws.reset(token)


def _watch_current_user() -> None:
    # Flask-Login is the app's to import: without it, there is no `current_user`.
    proxy = getattr(sys.modules.get("flask_login.utils"), "current_user", None)
    if proxy is None:
        return
    # The slot that every use of a proxy goes through, whichever module has imported it.
    read: Any = object.__getattribute__(proxy, "_get_current_object")
    if getattr(read, "__module__", None) == __name__:
        return

    def current_user() -> Any:
        user = read()
        return _NoUser() if user is None and _draws.get() else user

    object.__setattr__(proxy, "_get_current_object", current_user)


def explain(error: BaseException) -> None:
    """Add a note to an error that comes of something that is not there, if the error shows it."""
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
