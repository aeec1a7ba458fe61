"""Incoming request → checked values → job: everything that needs neither cache nor renderer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from plotroute import params
from plotroute.errors import Unauthorized
from plotroute.model import Job, Json, Options, PlotSpec, Versions
from plotroute.params import kind_of, picture_options
from plotroute.pipeline.requests import IncomingRequest
from plotroute.settings import Settings

Values = Mapping[str, Json]


def check_values(request: IncomingRequest, at: float) -> dict[str, Json]:
    """Return the canonical values of a request's parameters, picture options and user.

    Args:
        request: The request; its `allow` is called with the values, less the picture options.
        at: When the request came in, in seconds since 1970: "the last 7 days" end then.

    Raises:
        InvalidParameters: Everything that is wrong with the values, each with its nearest cure.
        Unauthorized: The plot shows each user a picture of their own, and there is no user.
    """
    plot = request.match.plot
    declared = plot.params + picture_options.offered(plot)
    now = datetime.fromtimestamp(at, UTC)
    if request.body is None:
        values = params.parse(declared, request.query, request.match.values, now=now)
    else:
        values = params.from_json(
            declared, request.body, query=request.query, path=request.match.values, now=now
        )
    for parameter in plot.users:
        if request.user is None and parameter.required:
            raise Unauthorized(
                "This picture is personal: log in to see yours",
                # RFC 9110 demands a challenge. No browser knows the scheme, so none opens a dialog.
                headers={"WWW-Authenticate": 'Session realm="plots"'},
            )
        values[parameter.name] = request.user
    if request.allow is not None:
        request.allow(plot_values(plot, values))
    return values


def plot_values(plot: PlotSpec, values: Values) -> dict[str, Json]:
    """Return the values that the plot function and its datasets take: no picture options."""
    return {parameter.name: values[parameter.name] for parameter in plot.params + plot.users}


def make_job(
    request: IncomingRequest,
    values: Values,
    options: Options,
    versions: Versions,
    epoch: str,
    settings: Settings,
) -> Job:
    """Return the job that draws the picture of a request.

    Args:
        request: The request.
        values: The values of `plot_values`.
        options: The picture options.
        versions: The known versions of all data that the plot reads for these values.
        epoch: The epoch of the plot.
        settings: The limits of jobs whose plots declare none.
    """
    plot = request.match.plot
    timed = plot.freshness == "timed"
    return Job(
        plot=plot.name,
        values=values,
        texts=_texts(plot, values),
        format=request.explicit_format or "png",
        explicit_format=request.explicit_format is not None,
        options=options,
        live=plot.freshness != "keyed",
        versions=versions,
        code=request.manifest.code,
        timeout=plot.timeout or settings.render_timeout,
        ttl=plot.ttl or 0.0 if timed else 0.0,
        epoch=epoch if timed else "",
        request_id=request.request_id,
    )


def _texts(plot: PlotSpec, values: Values) -> tuple[str, ...]:
    """Return the free texts among the values that Matplotlib could take for more than a text.

    Those are mathtext, and names with a meaning: a legend leaves out a label that begins with `_`.
    """
    found = []
    for parameter in plot.params + plot.users:
        if kind_of(parameter).is_text and values[parameter.name] != parameter.default:
            value = values[parameter.name]
            found += [
                text
                for text in (value if isinstance(value, list) else [value])
                if text and ("$" in text or text.startswith("_"))
            ]
    return tuple(found)
