"""What there is: the list of plots for people and programs, and the schema of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plotroute import params
from plotroute.model import Manifest, Param, PlotSpec
from plotroute.params import picture_options
from plotroute.routing import routes, urls
from plotroute.routing.removed import Departure
from plotroute.routing.representations import DOCUMENTS, PICTURES
from plotroute.web.pages.html import ListedParameter, ListedPlot, plots_page


def page(
    manifest: Manifest,
    *,
    development: bool,
    prefix: str = "",
    departures: Sequence[Departure] = (),
) -> str:
    """Return the page with every plot on it; links have `prefix` in front.

    In development it shows what is wrong with registrations, and the addresses that are gone (`departures`).
    """
    return plots_page(
        [_listed(plot, prefix) for plot in manifest.plots if not plot.adhoc],
        mistakes=manifest.mistakes if development else (),
        departures=[str(departure) for departure in departures] if development else (),
        problem=manifest.problem if development else None,
        detail=manifest.problem_detail,
        development=development,
        prefix=prefix,
    )


def listing(manifest: Manifest, *, prefix: str = "") -> dict[str, Any]:
    """Return the document of `/plots.json`; links have `prefix` in front."""
    taken = {
        routes.shape(a) for plot in manifest.plots if not plot.adhoc for a in (*plot.addresses, *plot.also)
    }
    shown = [p for p in manifest.plots if not (p.adhoc and routes.shape(p.addresses[0]) in taken)]
    return {
        "plots": [{**_entry(plot, prefix), "parameters": params.json_schema(plot.params)} for plot in shown]
    }


def schema(plot: PlotSpec, *, prefix: str = "") -> dict[str, Any]:
    """Return the document of `<address>.schema.json`: parameters, size, formats, title, links.

    Links have `prefix` in front.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_entry(plot, prefix),
        **params.json_schema(plot.params),
        "options": params.json_schema(picture_options.offered(plot)),
    }


def _entry(plot: PlotSpec, prefix: str) -> dict[str, Any]:
    address = plot.addresses[0]
    fixed = routes.fixed_format(address)
    example = urls.example(plot)
    linked = {
        "picture": prefix + example if example is not None else None,
        **{each.name: f"{prefix}{address}.{suffix}" for suffix, each in DOCUMENTS.items()},
    }
    entry: dict[str, Any] = {
        "name": plot.name,
        "title": plot.title,
        "description": plot.description,
        "alt": plot.alt,
        "address": address,
        "aliases": list(plot.addresses[1:]),
        "also": list(plot.also),
        "formats": [fixed] if fixed else list(PICTURES),
        "links": linked,
    }
    if size := plot.size or plot.natural:
        entry["size"] = {"width": size[0], "height": size[1]}
    return entry


def _listed(plot: PlotSpec, prefix: str) -> ListedPlot:
    return ListedPlot(
        name=plot.name,
        title=plot.title,
        description=plot.description,
        alt=plot.alt,
        address=plot.addresses[0],
        picture_address=urls.example(plot),
        size=plot.size,
        parameters=tuple(_listed_parameter(parameter) for parameter in plot.params),
        prefix=prefix,
    )


def _listed_parameter(parameter: Param) -> ListedParameter:
    kind = f"list of {parameter.kind}" if parameter.many else parameter.kind
    if parameter.choices:
        kind = " | ".join(str(choice) for choice in parameter.choices)
    default = None if parameter.required else params.to_query(parameter, parameter.default)
    return ListedParameter(
        name=parameter.name,
        kind=kind,
        default=",".join(default) if default else None,
        required=parameter.required,
        description=parameter.description,
    )
