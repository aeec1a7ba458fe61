"""Pictures that are drawn before anybody asks: at the start, and for every version of the code."""

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

# How often a new version of the code is looked for. Looking costs nothing.
_LOOK_EVERY = 1.0
# A server that is busy is left alone for so long.
_AGAIN_AFTER = 5.0
_TRIES = 3


def keep_warm(pipeline: Pipeline, wanted: str) -> None:
    """Have the plots in `wanted` (names with queries, spaces between) drawn, in a thread of their own.

    One after the other, so that readers find the other render processes free. What cannot be drawn is told to
    the log and is no reason not to serve.
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
    """Have one picture drawn, and say whether it was."""
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
    """Return the plot of that name, with a suffix or without: an <img> asks for one or the other."""
    stem, _, suffix = name.rpartition(".")
    try:
        return routes.by_name(manifest, name)
    except UnknownPlot:
        if suffix not in IMAGE_TYPES:
            raise
        return routes.by_name(manifest, stem, suffix)
