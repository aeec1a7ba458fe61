"""Plot and Python values → address: path and query, checked and quoted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from plotroute import params
from plotroute.errors import InvalidParameters, ParameterError, UnknownFormat
from plotroute.model import IMAGE_TYPES, Manifest, Param, PlotSpec
from plotroute.params import picture_options
from plotroute.routing import routes
from plotroute.routing.representations import document_of
from plotroute.routing.routes import Match


def address(manifest: Manifest, name: str, parameters: Mapping[str, Any]) -> str:
    """Return the address of a plot, from the root.

    Args:
        manifest: What there is.
        name: The name of the plot, as `routes.by_name` takes it.
        parameters: Python values. `format` is the format of the picture, unless the plot has a parameter of
            that name.

    Raises:
        UnknownPlot: There is no such plot.
        UnknownFormat: There is no such format, or the address of the plot fixes another format.
        InvalidParameters: The address would not give a picture.
    """
    parameters = dict(parameters)
    found, format = by_name(manifest, name, parameters)
    return build(found.plot, canonical(found.plot, parameters), format)


def build(plot: PlotSpec, given: Mapping[str, Any], format: str | None = None) -> str:
    """Return the address of a plot, from the root.

    All addresses of pictures are made here. The values are checked as those of a request are.

    Args:
        plot: The plot.
        given: Canonical JSON, as `canonical` returns it.
        format: The format of the picture.

    Raises:
        UnknownFormat: The address of the plot fixes another format.
        InvalidParameters: The address would not give a picture.
    """
    given = dict(given)
    declared = {p.name: p for p in (*plot.params, *picture_options.offered(plot))}
    values = params.from_json(tuple(declared.values()), given, now=datetime.now(UTC))
    path = plot.addresses[0]
    fixed = routes.fixed_format(path)
    if fixed is not None and format is not None and format != fixed:
        raise UnknownFormat(f"The address {path} is {fixed} and no other format", allowed=[fixed])
    for key in routes.parameters(path):
        path = path.replace(f"<{key}>", segment(declared[key], given.pop(key, values[key])))
    query = []
    for key, value in given.items():
        # A name that is not declared starts with _ and means nothing: it is for cache busting.
        texts = params.to_query(declared[key], value) if key in declared else [value]
        query += [(key, text) for text in texts]
    ends_alike = routes.fixed_format(path) or document_of(path)
    if fixed is None and format is None and ends_alike:
        format = "png"  # the end of a value must not be taken for a format
    if fixed is None and format is not None:
        path += f".{format}"
    return path + ("?" + urlencode(query) if query else "")


def example(plot: PlotSpec) -> str | None:
    """Return an address of the plot that gives a picture; None if a required value has no example."""
    in_path = routes.parameters(plot.addresses[0])
    given = {}
    for parameter in plot.params:
        if parameter.required or parameter.name in in_path:
            value = parameter.example if parameter.example is not None else parameter.default
            if value is None:
                return None
            given[parameter.name] = value
    try:
        return build(plot, given)
    except InvalidParameters:  # the default of a path parameter, which no request needs
        return None


def canonical(plot: PlotSpec, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return Python values as canonical JSON.

    Names that the plot does not have stay, so that `build` refuses them together with other errors.

    Raises:
        InvalidParameters: A value is wrong. The error has everything that is wrong, unknown names too.
    """
    declared = {p.name: p for p in (*plot.params, *picture_options.offered(plot))}
    given: dict[str, Any] = {}
    errors: list[Any] = []
    for name, value in parameters.items():
        try:
            given[name] = params.canonical(declared[name], value) if name in declared else str(value)
        except InvalidParameters as error:
            errors += error.errors
    if not errors:
        return given
    seen = {error["parameter"] for error in errors}
    try:
        params.from_json(tuple(declared.values()), given, now=datetime.now(UTC))
    except InvalidParameters as error:
        errors += [entry for entry in error.errors if entry["parameter"] not in seen]
    raise InvalidParameters(errors)


def by_name(manifest: Manifest, name: str, parameters: dict[str, Any]) -> tuple[Match, str | None]:
    """Return the plot and the format of its picture.

    The format is taken out of `parameters`, unless the plot has a parameter of that name.

    Raises:
        UnknownPlot: There is no such plot.
        UnknownFormat: There is no such format.
    """
    found = routes.by_name(manifest, name)
    if any(parameter.name == "format" for parameter in found.plot.params):
        return found, found.format
    format = parameters.pop("format", None) or found.format
    if format is not None and format not in IMAGE_TYPES:
        raise UnknownFormat(f"There is no format {format!r}", allowed=[*IMAGE_TYPES])
    return found, format


def segment(param: Param, value: Any) -> str:
    """Return a value as one segment of a path.

    Raises:
        InvalidParameters: The value is empty, `.` or `..`, or has a slash in it.
    """
    text = next(iter(params.to_query(param, value)), "")
    if not text or "/" in text or text in (".", ".."):
        message = (
            f"{text!r} cannot be a part of a path (empty, . or .. or with a slash in it): take "
            f"<{param.name}> out of the path of the plot, and it is a parameter of the query"
        )
        raise InvalidParameters([ParameterError(param.name, "not_allowed", message, sent=text)])
    return quote(text, safe="")
