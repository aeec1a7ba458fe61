"""Put together what answers: cache, renderer, pipeline, app."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plotroute.cache import open_storage
from plotroute.pipeline import Pipeline
from plotroute.pipeline.warmup import keep_warm
from plotroute.render.base import Renderer
from plotroute.serve.config import BUILT_IN, Service


def make_pipeline(service: Service, path: str = "") -> Pipeline:
    """Return the pipeline of a service, drawing in the render server at `path`, or in this process.

    In this process the plots are loaded now; a SetupError says why they do not.
    """
    storage = open_storage(service.settings)  # first: its directory counts from where we are now
    renderer: Renderer
    if path:
        from plotroute.render.client.remote import Remote

        renderer = Remote(path, service.settings, watch=service.development)
    else:
        from plotroute.render.local.in_thread import InProcess

        renderer = InProcess(service.targets, service.settings, built_in=BUILT_IN, watch=service.development)
    return Pipeline(renderer, storage, service.settings)


def make_app(service: Service, path: str = "") -> Callable[..., Any]:
    """Return the WSGI app of a service."""
    # Here: a pipeline without an app, as `draw` has it, needs no Flask.
    from plotroute.web.access import PublicAccess
    from plotroute.web.access_log import AccessLog
    from plotroute.web.gate import Gate
    from plotroute.web.metrics import Metrics
    from plotroute.web.proxies import behind_proxies
    from plotroute.web.response_cache import ResponseCache
    from plotroute.web.standalone.app import create_app
    from plotroute.web.standalone.fast_path import ResponseCacheMiddleware
    from plotroute.web.transport.send_backlog import Outgoing

    pipeline = make_pipeline(service, path)
    if service.development:
        app = create_app(pipeline, service.settings, site=service.site, development=True)
        return behind_proxies(app, service.settings)
    keep_warm(pipeline, service.settings.warm)
    settings = service.settings
    metrics, gate = Metrics(), Gate(PublicAccess(settings))
    answers = ResponseCache(pipeline, gate)
    # As much as is kept in memory may be on its way beside it: whatever is small has both small.
    outgoing = Outgoing(max(settings.cache_memory, 2 * settings.max_output))
    app = create_app(
        pipeline, settings, gate=gate, site=service.site, metrics=metrics, answers=answers, outgoing=outgoing
    )
    return ResponseCacheMiddleware(
        behind_proxies(app, settings), answers, AccessLog(metrics), outgoing, pipeline.drain
    )
