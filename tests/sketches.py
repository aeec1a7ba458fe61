"""Answers without Matplotlib: a renderer that writes what it was asked to draw, on a clock that tests move."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime
from io import StringIO
from typing import Annotated, Literal

from pydantic import Field
from werkzeug.test import Client

from plotroute import Plots, TimeRange
from plotroute.cache.base import Storage
from plotroute.cache.memory import MemoryCache, MemoryClaims, MemoryEpochs
from plotroute.catalog.catalog import complete
from plotroute.charts import plots as charts
from plotroute.data import freshness
from plotroute.errors import CannotDraw, PlotFailed
from plotroute.logs import set_up_logging
from plotroute.model import IMAGE_TYPES, Image, Manifest
from plotroute.pipeline import Pipeline
from plotroute.settings import Settings
from plotroute.web.access import PublicAccess
from plotroute.web.access_log import AccessLog
from plotroute.web.gate import Gate
from plotroute.web.metrics import Metrics
from plotroute.web.response_cache import ResponseCache
from plotroute.web.standalone.app import create_app
from plotroute.web.standalone.fast_path import ResponseCacheMiddleware
from plotroute.web.transport.send_backlog import Outgoing

# Nothing here takes so long; whatever does has hung.
PATIENCE = 60

plots = Plots()


@plots.dataset(ttl="forever", source=True)
def fixed_data(): ...


@plots.dataset(ttl="10m")
def bucket(): ...


@plots.dataset(version=lambda: "never asked")
def polled(region: str = "EU"): ...


@plots.dataset
def content(): ...


@plots.plot("line", max_age="10m")
def line(
    ax, fixed_data, method: Literal["linear", "cubic"] = "linear", n: Annotated[int, Field(ge=2, le=30)] = 9
): ...


@plots.plot("turning")
def turning(ax, bucket): ...


@plots.plot("watched")
def watched(ax, polled): ...


@plots.plot("loaded")
def loaded(ax, content, fixed_data): ...


@plots.plot("weeks")
def weeks(
    ax, fixed_data, period: TimeRange = TimeRange("-1h"), since: TimeRange = TimeRange("-1m", step="7s")
): ...


@plots.plot("of/<customer>/revenue", aliases=["old/<customer>", "/revenue/<customer>"])
def revenue(ax, content, customer: str): ...


@plots.plot("/timed.svg", ttl="1h")
def timed(ax): ...


@plots.plot("timed/data", ttl=90)
def timed_data(ax, polled): ...


@plots.plot("live")
def live(ax): ...


@plots.plot("live/data", ttl=0)
def live_data(ax, polled): ...


@plots.plot("kept/keyed", stale="10m")
def kept_keyed(ax, polled): ...


@plots.plot("kept/timed", ttl=90, stale="10m")
def kept_timed(ax): ...


@plots.plot("kept/live", stale="10m", max_age=5)
def kept_live(ax): ...


@plots.plot("fails")
def fails(ax, fixed_data): ...


@plots.plot("refuses")
def refuses(ax, fixed_data): ...


MANIFEST = complete([plots.registry, charts.registry], code="first").manifest


class Clock:
    """A clock that only a test moves."""

    def __init__(self, now: float = 1_700_000_000.25) -> None:
        """Begin at `now`: by default neither a whole second nor the end of any bucket or step."""
        self.now = now

    def __call__(self) -> float:
        return self.now

    def __repr__(self) -> str:
        return f"{datetime.fromtimestamp(self.now)}"


class Sketches:
    """A renderer of the plots above (or of another manifest): its pictures say what they were drawn from."""

    def __init__(self, clock: Clock, manifest: Manifest = MANIFEST) -> None:
        self._clock = clock
        self._manifest = manifest
        self._specs = {dataset.name: dataset for dataset in manifest.datasets}
        self.states: dict[str, str] = {}
        """Dataset → the state that it is in."""
        self.unknown: set[str] = set()
        """Datasets without a known version."""
        self.jobs: list = []
        self.began = threading.Event()
        self.released = threading.Event()
        self.released.set()
        self.error: Exception | None = None

    def reload(self, code: str) -> None:
        """Have a new version of the author's code."""
        self._manifest = replace(self._manifest, code=code)

    def drawn(self, plot: str) -> int:
        """Return how often a plot was drawn."""
        return Counter(job.plot for job in self.jobs)[plot]

    def drawings(self) -> list:
        """Return all that was drawn without an error, in order."""
        return [replace(job, request_id="") for job in self.jobs if job.plot not in ("fails", "refuses")]

    # The protocol

    def ready(self) -> bool:
        return True

    def manifest(self) -> Manifest:
        return self._manifest

    def versions(self, refs):
        self.unknown -= {ref.name for ref in refs}
        return {ref.id: self._version(ref) for ref in refs}

    def known(self, ref):
        return None if ref.name in self.unknown else self._version(ref)

    def render(self, job):
        self.jobs.append(job)
        self.began.set()
        assert self.released.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        if job.plot == "fails":
            raise PlotFailed("The plot's code raised an error", detail="a secret")
        if job.plot == "refuses":
            raise CannotDraw("no orders in this week")
        versions = {id: self._drawn_from(id, version) for id, version in job.versions.items()}
        told = [job.plot, job.values, job.format, job.explicit_format, versions, job.code]
        options = [job.options.width, job.options.height, job.options.dpr, job.options.theme]
        # A live picture is another one each time.
        number = self.drawn(job.plot) if job.live else None
        body = json.dumps([*told, options, number], sort_keys=True, default=dict).encode()
        timings = {"data": 0.1, "draw": 0.2, "encode": 0.3}
        return Image(body=body, type=IMAGE_TYPES[job.format], timings=timings, versions=versions)

    def close(self) -> None: ...

    def _version(self, ref) -> str:
        known = freshness.known_version(self._specs[ref.name], ref, self._clock())
        return known or f"state:{self.states.get(ref.name, 'first')}"

    def _drawn_from(self, id: str, version: str) -> str:
        name = id.partition("?")[0]
        return f"state:{self.states.get(name, 'first')}" if version.startswith("state:") else version


class Still(AccessLog):
    """A journal that writes when it is told to."""

    def _start(self) -> None: ...


class World:
    """A server of sketches, with what stands before Flask or without it."""

    def __init__(
        self,
        *,
        front: bool = True,
        clock: Clock | None = None,
        cache=None,
        access_log=Still,
        rules=(),
        **settings,
    ) -> None:
        self.clock = clock or Clock()
        self.renderer = Sketches(self.clock)
        self.settings = Settings(**settings)
        self.cache = cache or MemoryCache(self.settings.cache_memory)
        self.storage = Storage(self.cache, MemoryEpochs(), MemoryClaims())
        self.pipeline = Pipeline(self.renderer, self.storage, self.settings, self.clock)
        self.metrics = Metrics()
        self.access_log = access_log(self.metrics)
        self.entered = 0
        """How many requests Flask was asked."""
        gate = Gate(PublicAccess(self.settings), *rules)
        if front:
            answers = ResponseCache(self.pipeline, gate)
            flask = create_app(self.pipeline, self.settings, gate=gate, metrics=self.metrics, answers=answers)
            self.app = ResponseCacheMiddleware(
                self._counted(flask), answers, self.access_log, Outgoing(2**30)
            )
        else:
            flask = create_app(self.pipeline, self.settings, gate=gate, metrics=self.metrics)
            self.app = self._counted(flask)
        self.client = Client(self.app)

    def _counted(self, app):
        def enter(environ, start_response):
            self.entered += 1
            return app(environ, start_response)

        return enter

    def get(self, path, **headers):
        """Return the answer to a GET; `If_None_Match` is a header's name."""
        return self.ask("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def ask(self, method, path, headers=(), *, data=None, environ=None):
        """Return the answer to a request, when whatever it has begun is done."""
        reply = self.client.open(
            path, method=method, headers=dict(headers), data=data, environ_overrides=environ
        )
        reply.get_data()
        self.settle()
        return reply

    def settle(self) -> None:
        """Wait until nothing is drawn any more."""
        if self.renderer.released.is_set():
            all_landed()

    def answered_without_flask(self, *args, **options):
        """Ask, and return the answer if Flask was not entered for it, else None."""
        before = self.entered
        reply = self.ask(*args, **options)
        return reply if self.entered == before else None


def all_landed() -> None:
    """Wait until no flight is under way."""
    for thread in threading.enumerate():
        if thread.name.startswith("flight-"):
            thread.join(PATIENCE)


def stop_warming(*renderers) -> None:
    """End the threads that keep pictures of these renderers warm, because nothing else ends them."""

    def leave():
        raise SystemExit

    hook, threading.excepthook = threading.excepthook, lambda _: None  # pytest's takes it for a mistake
    try:
        for renderer in renderers:
            renderer.manifest = leave
        for thread in warming():
            thread.join(PATIENCE)
    finally:
        threading.excepthook = hook


def warming() -> list[threading.Thread]:
    """Return the threads that keep pictures warm."""
    return [thread for thread in threading.enumerate() if thread.name == "plotroute-warm"]


def until(condition, seconds=PATIENCE):
    """Wait until `condition()` is true, and return it; a test that waits in vain fails."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("waited in vain")


def outcome(reply) -> str:
    """Return what the cache did."""
    return reply.headers["Cache-Status"].removeprefix("plotroute; ")


def told(reply, *, given_id: bool = False):
    """Return the parts of a response that must be the same from every layer that answers."""
    id = reply.headers["X-Request-ID"]
    headers = sorted(
        (name, value)
        for name, value in reply.headers
        if name not in ("X-Request-ID", "Date", "Server-Timing")
    )
    body = reply.get_data()
    return reply.status, headers, body if given_id else body.replace(id.encode(), b"<id>")


def count(metrics):
    """Return the number of answers, by plot, status and outcome."""
    lines = metrics.exposition()[0].decode().splitlines()
    return sorted(line for line in lines if line.startswith("plotroute_answers_total"))


@contextlib.contextmanager
def logged():
    """The log of a server, as `plotroute serve` sets it up."""
    root = logging.getLogger()
    before, root.handlers, stderr, sys.stderr = root.handlers, [], sys.stderr, StringIO()
    level = root.level
    try:
        set_up_logging()
        yield sys.stderr
    finally:
        root.handlers, sys.stderr = before, stderr
        root.setLevel(level)
