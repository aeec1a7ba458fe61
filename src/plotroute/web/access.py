"""Access to plots: the protocol, and that of `plotroute serve`, where every reader may see every plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from flask import request

from plotroute.model import Json, PlotSpec
from plotroute.settings import Settings
from plotroute.web.proxies import header_user


class Access(Protocol):
    """Who may see what."""

    def user(self) -> str | None:
        """Return who asks, as far as the app knows."""

    def check(self, plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Raise Forbidden unless who asks may see the plot with these values; none: may know of it at all."""

    def private(self, plot: PlotSpec | None = None) -> bool:
        """Whether caches between server and reader must not keep an answer; without a plot, a list."""


class PublicAccess:
    """The access of a server that plotroute owns: everybody may see everything."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def user(self) -> str | None:
        """Return who a trusted proxy says asks."""
        return header_user(request.environ, self._settings)

    def check(self, plot: PlotSpec, values: Mapping[str, Json]) -> None:
        """Allow it."""

    def private(self, plot: PlotSpec | None = None) -> bool:
        """Return False: a plot that is personal says so by itself (`User`)."""
        return False
