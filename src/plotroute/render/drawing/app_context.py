"""Make the Flask app in whose context author code runs: for `current_app`, `db.session` and the like.

Flask is never imported here: any object with an `app_context()` is an app.
"""

from __future__ import annotations

import importlib
import math
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

from plotroute.catalog.tracebacks import author_traceback
from plotroute.errors import CannotLoad, PlotFailed
from plotroute.render.drawing.app_config import differing, hashes

Context = Callable[[], AbstractContextManager[Any]]
"""Makes the context of each load, each version and each drawing."""

_apps: list[Any] = []


@dataclass(frozen=True)
class Recipe:
    """How a worker gets the same app as the web worker. Plain data, because it crosses processes."""

    factory: str = ""
    """`module:function` or `module:app`; empty: the app that the author's modules contain, if any."""
    module: str = ""
    """The module with the app at its top level, if there is no factory."""
    config: Mapping[str, str] = field(default_factory=dict)
    """The configuration of the web worker's app, from `app_config.hashes`."""
    ignored: str = ""
    """Patterns of keys that may differ."""


def register(app: Any) -> None:
    """Remember an app that the author's module makes while a worker imports it (`Plots.init_app`)."""
    _apps.append(app)


class Host:
    """The app of a worker: made by `factory`, once, after the fork.

    Without a factory it is the app that the author's modules contain; without such an app there is no
    context.
    """

    def __init__(self, recipe: Recipe | None = None) -> None:
        self._recipe = recipe or Recipe()
        self._app: Any = None
        self._make: Callable[[], Any] | None = None
        self.failure: PlotFailed | None = None
        """Why there is no app. The process has half an app, so another process makes the next try."""

    def imports_first(self) -> bool:
        """Whether plots that cannot be imported alone may be imported after the module of the app."""
        return bool(self._recipe.module) and not self._recipe.factory

    def import_module(self) -> None:
        """Import the module of the app. Errors are ignored: the import of the plots reports them."""
        _apps.clear()
        with suppress(Exception):
            importlib.import_module(self._recipe.module)

    def find(self) -> None:
        """Import the module of the factory, if there is one.

        Call it before the author's module is imported: the web worker has imported the app first, too, and
        modules that import each other may work in this order only.

        Raises:
            CannotLoad: The factory cannot be imported or found.
        """
        factory = self._recipe.factory
        if not factory:
            return
        module, colon, name = factory.removesuffix("()").partition(":")
        if not (module and colon and all(part.isidentifier() for part in name.split("."))):
            raise CannotLoad(
                f'factory={factory!r} names neither a function nor an app: write "module:function", such as '
                '"shop:create_app", or "module:app".'
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
            raise CannotLoad(f"factory={factory!r}: {module} has no function or app {name!r}.")
        self._make = (lambda: make) if hasattr(make, "app_context") else make

    def prepare(self, seconds: float = math.inf) -> None:
        """Make the app, if there is an app to make.

        Args:
            seconds: The time limit.

        Raises:
            PlotFailed: The app cannot be made, or differs from the web worker's app.
        """
        if self.failure is not None:
            raise self.failure
        if self._app is not None or not (self._make or _apps):
            return
        made = [*_apps]
        if self._make is not None:
            try:
                with _within(seconds):
                    made = [self._make()]
                if not hasattr(made[0], "app_context"):
                    raise TypeError(f"the factory returned {made[0]!r}, which is no Flask app")
            except BaseException as error:  # SystemExit too
                self.failure = PlotFailed("The app could not be made", detail=author_traceback(error))
                raise self.failure from error
        keys = [self._differing(app) for app in made]
        if all(keys):
            self.failure = PlotFailed(
                "The app that draws is not the app that answers", detail=self._why_differing(keys[0])
            )
            raise self.failure
        self._app = made[keys.index([])]

    def _differing(self, app: Any) -> list[str]:
        if not self._recipe.config:
            return []
        return differing(self._recipe.config, hashes(app, self._recipe.ignored))

    def _why_differing(self, keys: list[str]) -> str:
        made = (
            f"by factory={self._recipe.factory!r}"
            if self._recipe.factory
            else "while its modules are imported"
        )
        return (
            f"The app of the process that draws, made {made}, has other values than the app of the web "
            f"worker for: {', '.join(keys)}. Its plots would show other data. Let factory= name what makes "
            'the app that answers: an app at the top of a module ("shop.wsgi:app"), or a function without '
            "arguments. If these values may differ, say so: "
            f'PLOTROUTE_IGNORED_CONFIG="{", ".join(keys)}".'
        )

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Run the body in the app's context, teardown functions of the app included."""
        self.prepare()
        with nullcontext() if self._app is None else self._app.app_context():
            yield


class _TookTooLong(BaseException):
    """Not an Exception: a factory that waits for its database would catch it and try again."""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Interrupt the body after so many seconds. For a main thread."""
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
