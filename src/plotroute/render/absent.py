"""What author code does not find where plots are drawn, and the cure: told below its error."""

from __future__ import annotations

import linecache
from types import TracebackType

_NO_REQUEST = (
    "A plot is drawn in a process of its own, for every reader who may see it: there is no request, session, "
    "flash or current_user, and nothing that hooks have put on g. Take what the picture depends on as a "
    "parameter; take who is logged in as `user: User` (from plotroute import User)."
)
_NO_URLS = (
    "A plot is drawn without a request, so url_for() cannot know the server's name: set SERVER_NAME in the "
    "app's config, or write a path."
)
_NO_APP = (
    'The process that draws has no app: say what makes it, init_app(app, factory="shop:create_app") or '
    'factory="shop.wsgi:app".'
)


def explain(error: BaseException) -> None:
    """Add a note to an error that comes of something that is not there, if the error shows it."""
    note = _note(error)
    if note and note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _note(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, RuntimeError):
        if "outside of request context" in text:
            return _NO_REQUEST
        if "outside of application context" in text:
            return _NO_APP
        if "SERVER_NAME" in text and "Unable to build URLs" in text:
            return _NO_URLS
    if isinstance(error, AttributeError):
        raised_in, line = _where(error.__traceback__)
        if raised_in == "_AppCtxGlobals.__getattr__" or ("NoneType" in text and "current_user" in line):
            return _NO_REQUEST
    return ""


def _where(traceback: TracebackType | None) -> tuple[str, str]:
    """Return the name of the function that raised, and the innermost line that is no library's."""
    name = line = ""
    while traceback is not None:
        code = traceback.tb_frame.f_code
        name = code.co_qualname
        if "site-packages" not in code.co_filename:
            line = linecache.getline(code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return name, line
