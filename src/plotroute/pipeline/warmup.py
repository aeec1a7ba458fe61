"""Draw pictures before the first request for them: at the start, and for every version of the code."""

from __future__ import annotations

import logging
import threading
from urllib.parse import parse_qsl

from plotroute.errors import AnswerError, UnknownPlot
from plotroute.model import IMAGE_TYPES, Manifest
from plotroute.pipeline.pipeline import Pipeline
from plotroute.pipeline.requests import IncomingRequest
from plotroute.routing import routes
from plotroute.routing.routes import Match

log = logging.getLogger("plotroute")

# Seconds between two looks for a new version of the code. A look costs nothing.
_LOOK_EVERY = 1.0
# Seconds that a busy server is left alone.
_AGAIN_AFTER = 5.0
_TRIES = 3


def keep_warm(pipeline: Pipeline, wanted: str) -> None:
    """Have pictures drawn in a background thread, for as long as the process runs.

    They are drawn one after another, so that requests find the other workers free. A picture that cannot be
    drawn is a warning in the log, and no reason not to serve.

    Args:
        pipeline: The pipeline that requests will use.
        wanted: Names of plots, each with a suffix and a query or without, separated by spaces.

    Example:
        >>> keep_warm(pipeline, "sales/revenue.svg?region=EU sales/costs")
    """
    if wanted.split():
        threading.Thread(
            target=_keep, args=(pipeline, wanted.split()), name="plotroute-warm", daemon=True
        ).start()


def _keep(pipeline: Pipeline, wanted: list[str]) -> None:
    pause = threading.Event()
    drawn: Manifest | None = None
    while True:
        try:
            manifest = pipeline.manifest()
        except AnswerError:  # the render server is starting
            pause.wait(_LOOK_EVERY)
            continue
        if manifest is not drawn:
            drawn = manifest
            done = sum(_draw(pipeline, manifest, item, pause) for item in wanted)
            log.info("%d of %d pictures are warm", done, len(wanted))
        pause.wait(_LOOK_EVERY)


def _draw(pipeline: Pipeline, manifest: Manifest, item: str, pause: threading.Event) -> bool:
    """Have one picture drawn; return whether it was."""
    name, _, query = item.partition("?")
    for left in reversed(range(_TRIES)):
        try:
            request = IncomingRequest(
                manifest=manifest,
                match=_match(manifest, name),
                query=parse_qsl(query, keep_blank_values=True),
                request_id="warm",
            )
            pipeline.image(pipeline.prepare(request))
            return True
        except AnswerError as error:
            if error.status != 503 or not left:
                log.warning("%s cannot be drawn ahead: %s", item, error)
                return False
            pause.wait(_AGAIN_AFTER)
    return False


def _match(manifest: Manifest, name: str) -> Match:
    """Return the plot of a name, which may have a suffix as an address has."""
    stem, _, suffix = name.rpartition(".")
    try:
        return routes.by_name(manifest, name)
    except UnknownPlot:
        if suffix not in IMAGE_TYPES:
            raise
        return routes.by_name(manifest, stem, suffix)
