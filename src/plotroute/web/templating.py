"""Plots in the pages of an app: their addresses and images, for templates and views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import current_app, has_request_context, request
from markupsafe import Markup

from plotroute import addresses, links
from plotroute.errors import UnknownPlot
from plotroute.model import PlotSpec
from plotroute.web import images

if TYPE_CHECKING:
    from plotroute.web.extension import Extension


def plot_url(name: str, /, *, _external: bool = False, **parameters: Any) -> str:
    """Return the address of a plot of the current app, checked and quoted; in templates, `plot_url`."""
    extension, plot = _find(name)
    address = extension.root() + links.address(extension.complete(), plot.name, parameters)
    if not _external:
        return address
    if has_request_context():
        return request.host_url.rstrip("/") + address
    server = current_app.config["SERVER_NAME"]
    if not server:
        raise RuntimeError("Outside of a request, plot_url(_external=True) needs SERVER_NAME in the config.")
    return f"{current_app.config['PREFERRED_URL_SCHEME']}://{server}{address}"


def plot_img(name: str, /, params: Mapping[str, Any] | None = None, **attributes: Any) -> Markup:
    """Return the `<img>` of a plot of the current app; in templates, `plot_img`. It draws nothing."""
    _, plot = _find(name)

    def address(**parameters: Any) -> str:
        return plot_url(plot.name, **parameters)

    return images.plot_img(plot, address, params, **attributes)


def _find(name: str) -> tuple[Extension, PlotSpec]:
    """Return the plot of that name in the current app, and where it is mounted; a whole name comes first."""
    extensions: Mapping[str, Extension] = current_app.extensions.get("plotroute", {})
    missing: UnknownPlot | None = None
    found: list[tuple[Extension, PlotSpec]] = []
    for extension in extensions.values():
        try:
            plot = addresses.named(extension.complete(), name).plot
        except UnknownPlot as error:
            missing = missing or error
            continue
        if not extension.serves(plot):
            missing = missing or UnknownPlot(f"The plot {plot.name!r} is not in this app: init_app(serve=…)")
        elif name in (plot.name, *plot.addresses):
            return extension, plot
        else:
            found.append((extension, plot))
    if len(found) > 1:
        names = ", ".join(plot.name for _, plot in found)
        raise UnknownPlot(f"The names of several plots end in {name!r}: {names}")
    if found:
        return found[0]
    raise missing or UnknownPlot("The app has no plots: plots.init_app(app)")
