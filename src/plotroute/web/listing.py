"""What there is: the list of plots for people and programs, and the schema of each."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from plotroute import addresses, options, params
from plotroute.model import IMAGE_TYPES, Manifest, Param, PlotSpec
from plotroute.web.pages import ListedParameter, ListedPlot, plots_page


def page(manifest: Manifest, *, development: bool, prefix: str = "") -> str:
    """Return the page with every plot on it; links have `prefix` in front."""
    problem = manifest.problem
    if problem and manifest.problem_detail:
        problem = f"{problem}\n\n{manifest.problem_detail}"
    return plots_page(
        [_listed(plot, prefix) for plot in manifest.plots if not plot.adhoc],
        problem=problem if development and problem else None,
        development=development,
        prefix=prefix,
    )


def listing(manifest: Manifest, *, prefix: str = "") -> dict[str, Any]:
    """Return the document of `/plots.json`; links have `prefix` in front."""
    taken = {addresses.shape(a) for plot in manifest.plots if not plot.adhoc for a in plot.addresses}
    shown = [p for p in manifest.plots if not (p.adhoc and addresses.shape(p.addresses[0]) in taken)]
    return {"plots": [_entry(plot, prefix) for plot in shown]}


def schema(plot: PlotSpec, *, prefix: str = "") -> dict[str, Any]:
    """Return the document of `<address>.schema.json`: parameters, size, formats, title, links.

    Links have `prefix` in front.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_entry(plot, prefix),
        **params.json_schema(plot.params),
        "options": params.json_schema(options.offered(plot)),
    }


def example_address(plot: PlotSpec) -> str | None:
    """Return an address of the plot that gives a picture, or None: a required value has no example."""
    query: list[tuple[str, str]] = []
    path = plot.addresses[0]
    in_path = addresses.parameters(path)
    for parameter in plot.params:
        if parameter.name in in_path:
            value = parameter.example if parameter.example is not None else parameter.default
            if value is None:
                return None
            path = path.replace(f"<{parameter.name}>", quote(params.to_query(parameter, value)[0], safe=""))
        elif parameter.required:
            if parameter.example is None:
                return None
            query += [(parameter.name, text) for text in params.to_query(parameter, parameter.example)]
    return path + ("?" + urlencode(query) if query else "")


def _entry(plot: PlotSpec, prefix: str) -> dict[str, Any]:
    address = plot.addresses[0]
    fixed = addresses.fixed_format(address)
    example = example_address(plot)
    links = {
        "picture": prefix + example if example is not None else None,
        "schema": f"{prefix}{address}.{addresses.SCHEMA}",
    }
    entry: dict[str, Any] = {
        "name": plot.name,
        "title": plot.title,
        "description": plot.description,
        "alt": plot.alt,
        "address": address,
        "aliases": list(plot.addresses[1:]),
        "formats": [fixed] if fixed else list(IMAGE_TYPES),
        "links": links,
    }
    if plot.size is not None:
        entry["size"] = {"width": plot.size[0], "height": plot.size[1]}
    return entry


def _listed(plot: PlotSpec, prefix: str) -> ListedPlot:
    return ListedPlot(
        name=plot.name,
        title=plot.title,
        description=plot.description,
        alt=plot.alt,
        address=plot.addresses[0],
        picture_address=example_address(plot),
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
