"""Access to plots: the protocol, and that of `plotroute serve`, where every reader may see every plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from flask import request

from plotroute.model import Json, PlotSpec
from plotroute.settings import Settings
from plotroute.web.proxies import header_user


class Access(Protocol):
    """Which readers may see which plots."""

    def user(self) -> str | None:
        """Return the user of the current request, as far as the app knows."""

    def require_access(self, plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Raise Forbidden unless the reader may see the plot with these values.

        Without values: unless the reader may know of the plot at all.
        """

    def private(self, plot: PlotSpec | None = None) -> bool:
        """Whether caches between server and reader must not keep an answer; without a plot, a list."""


class PublicAccess:
    """The access of a server that plotroute owns: every reader may see everything."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def user(self) -> str | None:
        """Return the user that a trusted proxy names."""
        return header_user(request.environ, self._settings)

    def require_access(self, plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Allow it."""

    def private(self, plot: PlotSpec | None = None) -> bool:
        """Return False: a plot that is personal says so by itself (`User`)."""
        return False
