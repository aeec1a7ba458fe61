"""The Flask app in whose context author code runs: for `current_app`, `db.session` and the like.

Flask is never imported here: an app is whatever has an `app_context()`.
"""

from __future__ import annotations

import importlib
import math
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from plotroute.errors import CannotLoad, PlotFailed
from plotroute.tracebacks import author_traceback

Context = Callable[[], AbstractContextManager[Any]]
"""Called around each load, each version and each drawing."""

_apps: list[Any] = []


def register(app: Any) -> None:
    """Remember an app that the author's module has made while it was imported to draw (`Plots.init_app`)."""
    _apps.append(app)


class Host:
    """The app of the process that draws: made by `factory`, after the fork and once.

    Without a factory it is the app that the author's modules hold; without one of those there is no context.
    """

    def __init__(self) -> None:
        self._app: Any = None
        self._make: Callable[[], Any] | None = None
        self.failure: PlotFailed | None = None
        """Why there is no app. The process has half of one, so the next try is another process's."""

    def find(self, factory: str) -> None:
        """Import the module of `factory` (`module:function`, or empty); CannotLoad says what is wrong."""
        if not factory:
            return
        module, colon, name = factory.removesuffix("()").partition(":")
        if not (module and colon and all(part.isidentifier() for part in name.split("."))):
            raise CannotLoad(
                f'factory={factory!r} names no function: write "module:function", such as "shop:create_app".'
            )
        try:
            make: Any = importlib.import_module(module)
        except (Exception, SystemExit) as error:
            detail = author_traceback(error)
            what = f"{type(error).__name__}: {error}"
            raise CannotLoad(f"factory={factory!r} does not import: {what}", detail) from error
        for part in name.split("."):
            make = getattr(make, part, None)
        if not callable(make):
            raise CannotLoad(f"factory={factory!r}: {module} has no function {name!r}.")
        self._make = make

    def prepare(self, seconds: float = math.inf) -> None:
        """Make the app within so many seconds, if there is one to make. PlotFailed says what is wrong."""
        if self.failure is not None:
            raise self.failure
        if self._app is not None or self._make is None:
            return
        try:
            with _within(seconds):
                app = self._make()
            if not hasattr(app, "app_context"):
                raise TypeError(f"the factory returned {app!r}, which is no Flask app")
        except BaseException as error:  # SystemExit too
            self.failure = PlotFailed("The app could not be made", detail=author_traceback(error))
            raise self.failure from error
        self._app = app

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Be in the app's context; whatever the app does at its end is done."""
        self.prepare()
        app = self._app or next(iter(_apps), None)
        with nullcontext() if app is None else app.app_context():
            yield


class _TookTooLong(BaseException):
    """Not an Exception: a factory that waits for its database tries again at any of those."""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Have the body interrupted, wherever it is, when so many seconds are over. For a main thread."""
    if math.isinf(seconds):
        yield
        return

    def interrupt(*_: object) -> None:
        raise _TookTooLong(f"it took longer than {seconds:g} s (import_timeout)")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again and again: the body may catch one
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
