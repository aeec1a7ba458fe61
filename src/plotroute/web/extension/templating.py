"""Plots in the pages of an app: their addresses and images, for templates and views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app, has_app_context, has_request_context, request
from flask.globals import request_ctx
from markupsafe import Markup

from plotroute.errors import UnknownPlot
from plotroute.model import Image, PlotSpec
from plotroute.routing import routes, urls
from plotroute.web.extension.mounting import Mounted
from plotroute.web.pages import img_tag


def plot_url(name: str, /, *, _external: bool = False, **parameters: Any) -> str:
    """Return the address of a plot of the current app, checked and quoted; in templates, `plot_url`."""
    extension, plot = _find(name)
    address = extension.root() + urls.address(extension.complete(), plot.name, parameters)
    if has_request_context():
        host = _host_of_plots()
        if host != request.host:
            return f"{request.scheme}://{host}{address}"
        return request.host_url.rstrip("/") + address if _external else address
    if not _external:
        return address
    server = current_app.config["SERVER_NAME"]
    if not server:
        raise RuntimeError("Outside of a request, plot_url(_external=True) needs SERVER_NAME in the config.")
    return f"{current_app.config['PREFERRED_URL_SCHEME']}://{server}{address}"


def plot_img(name: str, /, params: Mapping[str, Any] | None = None, **attributes: Any) -> Markup:
    """Return the `<img>` of a plot of the current app; in templates, `plot_img`. It draws nothing."""
    _, plot = _find(name)

    def address(**parameters: Any) -> str:
        return plot_url(plot.name, **parameters)

    return img_tag.plot_img(plot, address, params, **attributes)


def mounted_at(extensions: Sequence[Mounted]) -> str:
    """Return what addresses of plots have in front in the current app, or in all apps if there is none."""
    if has_app_context():
        here: Mapping[str, Mounted] = current_app.extensions.get("plotroute", {})
        for extension in extensions:
            if extension in here.values():
                return extension.root()
    prefixes = {extension.mount.url_prefix for extension in extensions}
    if len(prefixes) > 1:
        named = ", ".join(repr(prefix) for prefix in sorted(prefixes))
        raise RuntimeError(
            f"The plots are in several apps, under {named}: call plots.url(…) in a request or in the context "
            "of one of them (with app.app_context():)."
        )
    return prefixes.pop()


def _host_of_plots() -> str:
    """Return the host that plots answer at: pages may be of a subdomain, plots are of the default one."""
    adapter = request_ctx.url_adapter
    default = current_app.url_map.default_subdomain
    if adapter is None or adapter.subdomain in (None, default):
        return request.host
    return adapter.get_host(default)


def render(plots: Any, name: str, parameters: Mapping[str, Any]) -> Image:
    """Return a picture of the current app's, as `Plots.render` says."""
    extensions: Mapping[str, Mounted] = current_app.extensions.get("plotroute", {}) if current_app else {}
    for extension in extensions.values():
        if extension in plots._extensions:
            return extension.render(name, parameters)
    raise RuntimeError("plots.render() needs the context of an app that has these plots: plots.init_app(app)")


def _find(name: str) -> tuple[Mounted, PlotSpec]:
    """Return the plot of that name in the current app, and where it is mounted; a whole name comes first."""
    extensions: Mapping[str, Mounted] = current_app.extensions.get("plotroute", {})
    missing: UnknownPlot | None = None
    found: list[tuple[Mounted, PlotSpec]] = []
    for extension in extensions.values():
        try:
            plot = routes.by_name(extension.complete(), name).plot
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
