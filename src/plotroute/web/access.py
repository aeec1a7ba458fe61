"""Who may see what: everybody, under `plotroute serve`; as the app decides, inside one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flask import current_app, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from plotroute.errors import Forbidden
from plotroute.model import Json, PlotSpec
from plotroute.settings import Settings
from plotroute.web.proxies import header_user

Authorize = Callable[[str, Mapping[str, Json]], Any]
"""Told the name of a plot and its values, it says whether who asks may see the picture."""


class Access(Protocol):
    """Who may see what."""

    def user(self) -> str | None:
        """Return who asks, as far as the app knows."""

    def check(self, plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Raise Forbidden unless who asks may see the plot with these values; none: may know of it at all."""

    def private(self) -> bool:
        """Whether an answer may be for none but who asked."""


class Everyone:
    """The access of a server that plotroute owns: everybody may see everything."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def user(self) -> str | None:
        """Return who a trusted proxy says asks."""
        return header_user(request.environ, self._settings)

    def check(self, plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Allow it."""

    def private(self) -> bool:
        """Nothing is, but what plots say themselves."""
        return False


class Owner:
    """The access of an app that plots are a part of: the app decides."""

    def __init__(
        self,
        settings: Settings,
        *,
        authorize: Authorize | None,
        user: Callable[[], str | None] | None,
        guarded: bool,
        is_own: Callable[[Any], bool],
    ) -> None:
        """`guarded`: there are decorators around the views. `is_own` tells our hooks from the app's."""
        self._settings = settings
        self._authorize = authorize
        self._user = user
        self._guarded = guarded or authorize is not None or user is not None
        self._is_own = is_own

    def user(self) -> str | None:
        """Return who asks: as `user=` says, else Flask-Login, else the header of a trusted proxy."""
        if self._user is not None:
            return _name(current_app.ensure_sync(self._user)())
        if hasattr(current_app, "login_manager"):
            from flask_login import current_user

            return _name(current_user.get_id()) if current_user.is_authenticated else None
        return header_user(request.environ, self._settings)

    def check(self, plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Raise Forbidden unless the app allows it."""
        if not self._allows(plot, values):
            raise Forbidden("You may not see this picture")

    def shows(self, plot: PlotSpec) -> bool:
        """Whether who asks may know that there is such a plot; a list leaves out what is an error alone."""
        try:
            return self._allows(plot, {})
        except HTTPException as error:
            if error.code not in (401, 403, 404):
                raise
            return False

    def _allows(self, plot: PlotSpec, values: Mapping[str, Json]) -> bool:
        """Ask `authorize=`. Without values: may they know that there is such a plot?"""
        if self._authorize is None:
            return True
        try:
            allowed = current_app.ensure_sync(self._authorize)(plot.name, dict(values))
        except KeyError:
            if values:
                raise
            return False  # it depends on what is asked for, so nothing is shown before
        if isinstance(allowed, (Response, tuple)):  # an answer, as views give one; each of them is true
            raise TypeError(
                f"authorize= returned {allowed!r} for {plot.name!r}. Return True or False, or raise what is "
                "to be answered: abort(404)."
            )
        return bool(allowed)

    def private(self) -> bool:
        """Whether the answer may depend on who asks: something in the app looks at requests."""
        if self._guarded or request.authorization is not None or request.remote_user is not None:
            return True
        hooks = current_app.before_request_funcs
        if not all(map(self._is_own, hooks.get(None, ()))) or hooks.get(request.blueprint):
            return True
        # Not `request_ctx.session`: since Flask 3.1.3 whoever looks at that has accessed the session.
        context = vars(request_ctx._get_current_object())
        return bool(getattr(context.get("_session", context.get("session")), "accessed", False))


def _name(user: object) -> str | None:
    """Return who asks, as text; nobody has an empty name."""
    if user is None or user == "":
        return None
    if not isinstance(user, (str, int)) or isinstance(user, bool):
        raise TypeError(f"user= returned {user!r}. Return who asks as text, such as current_user.get_id().")
    return str(user)
