"""Access to the plots of an app: the app decides (`authorize=`, `user=`, `public=`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from plotroute.errors import Forbidden
from plotroute.model import Json, PlotSpec
from plotroute.settings import Settings
from plotroute.web.proxies import header_user

Authorize = Callable[[str, Mapping[str, Json]], Any]
"""Whether the reader of the current request may see a plot (its name) with these values."""


class AppAccess:
    """The access of an app that plots are a part of: the app decides."""

    def __init__(
        self,
        settings: Settings,
        *,
        authorize: Authorize | None,
        user: Callable[[], str | None] | None,
        public: bool | Collection[str],
    ) -> None:
        """`public`: the names of the plots that shared caches may keep; True: all of them, and the lists."""
        self._settings = settings
        self._authorize = authorize
        self._user = user
        self._public = public

    def user(self) -> str | None:
        """Return the user of the request: by `user=`, else Flask-Login, else a trusted proxy's header."""
        if self._user is not None:
            return _name(current_app.ensure_sync(self._user)())
        if hasattr(current_app, "login_manager"):
            from flask_login import current_user

            return _name(current_user.get_id()) if current_user.is_authenticated else None
        return header_user(request.environ, self._settings)

    def require_access(self, plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Raise Forbidden unless the app allows it."""
        if not self._allows(plot, values):
            raise Forbidden("You may not see this picture")

    def shows(self, plot: PlotSpec) -> bool:
        """Whether the reader may know of the plot: lists leave out what would be an error alone."""
        try:
            return self._allows(plot, {})
        except HTTPException as error:
            if error.code not in (401, 403, 404):
                raise
            return False

    def _allows(self, plot: PlotSpec, values: Mapping[str, Json]) -> bool:
        """Ask `authorize=`. Without values: may the reader know that there is such a plot?"""
        if self._authorize is None:
            return True
        try:
            allowed = current_app.ensure_sync(self._authorize)(plot.name, dict(values))
        except KeyError:
            if values:
                raise
            return False  # access depends on the values, so nothing is shown without them
        if isinstance(allowed, (Response, tuple)):  # an answer, as views give one; each of them is true
            raise TypeError(
                f"authorize= returned {allowed!r} for {plot.name!r}. Return True or False, or raise what is "
                "to be answered: abort(404)."
            )
        return bool(allowed)

    def private(self, plot: PlotSpec | None = None) -> bool:
        """Return True unless the app has said otherwise.

        Whether an app looks at the user cannot be seen from here: a login may be a WSGI middleware, a signal
        or a proxy. A shared cache that keeps one picture too many shows a reader the data of another.
        """
        if isinstance(self._public, bool):
            return not self._public
        return plot is None or plot.name not in self._public


def _name(user: object) -> str | None:
    """Return a user as text; no user has an empty name."""
    if user is None or user == "":
        return None
    if not isinstance(user, (str, int)) or isinstance(user, bool):
        raise TypeError(f"user= returned {user!r}. Return the user as text, such as current_user.get_id().")
    return str(user)
