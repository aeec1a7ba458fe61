"""What answers for the plots of an app in one process; the first request makes it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from flask import Flask, request, request_started

from plotroute import settings
from plotroute.pipeline import Pipeline
from plotroute.settings import Settings
from plotroute.web.extension import host_threads, retry_redirect
from plotroute.web.extension.access import AppAccess
from plotroute.web.extension.mounting import ExtensionOptions
from plotroute.web.gate import Gate
from plotroute.web.metrics import Metrics
from plotroute.web.plot_view import Pictures
from plotroute.web.response_cache import ResponseCache


class Runtime:
    """What answers for an extension in one process."""

    def __init__(
        self,
        mount: ExtensionOptions,
        settings: Settings,
        pipeline: Pipeline,
        process: int,
        threads: int | None = None,
    ) -> None:
        """`threads`: requests that the web server answers at once in this process; None: as many as come."""
        self.settings = settings
        self.pipeline = pipeline
        self.process = process
        self.metrics = Metrics()
        self.access = AppAccess(settings, authorize=mount.authorize, user=mount.user, public=mount.public)
        gate = Gate(self.access)
        self.pictures = Pictures(pipeline, settings, gate)
        self.answers = ResponseCache(pipeline, gate)
        self._has_one_thread = threads == 1

    def at_most(self) -> AbstractContextManager[None]:
        """Let the current request hold its thread as long as it may; QueueFull when that is over."""
        may_come_again = retry_redirect.may_come_again()
        return self.pipeline.room.at_most(
            retry_redirect.ONE_TURN if self._has_one_thread and may_come_again else None,
            request=retry_redirect.name(),
            comes_again=may_come_again,
            returning=retry_redirect.comes_again(),
        )


def read_settings(app: Flask) -> Settings:
    """Return the settings of an app: the environment's win over those of its config."""
    return settings.resolve(environment=os.environ, config=app.config)


def serving_settings(app: Flask, environ: Mapping[str, Any] | None) -> tuple[Settings, int | None]:
    """Return the settings for the web server that asks for an answer to `environ`, if any, and its threads.

    How many of them may wait is decided by how many there are, unless `threads` says it.
    """
    chosen = read_settings(app)
    if is_set(app, "threads"):
        return chosen, chosen.threads
    if environ is None:  # a task or a command: nothing else waits in its process
        return chosen, None
    server = host_threads.serving(environ)
    host_threads.announce(server)
    if server.threads is None:
        return chosen, None
    return replace(chosen, threads=server.threads), server.threads


def announce_server(app: Flask) -> Callable[..., None]:
    """Say in the log what to set where plots could keep an app's other views waiting.

    Now, if the server can be known while it imports the app; else with the app's first request, whichever
    view it is for, since an operator may try the app without looking at a plot. The signal keeps no reference
    to the receiver that is returned.
    """
    host_threads.announce(host_threads.starting())

    def first_request(sender: Flask, **_: Any) -> None:
        request_started.disconnect(first_request, sender)
        in_tests = sender.testing or str(request.user_agent).startswith("Werkzeug/")  # Flask's test client
        if not (in_tests or is_set(sender, "threads")):
            host_threads.announce(host_threads.serving(request.environ))

    request_started.connect(first_request, app)
    return first_request


def is_set(app: Flask, name: str) -> bool:
    """Whether the environment or the config of an app sets a setting."""
    return settings.is_set(name, os.environ, app.config)
