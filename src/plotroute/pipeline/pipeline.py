"""The way of a request on one page: IncomingRequest → PictureRequest → Result.

find      the plot that an address means                     routing
prepare   check the parameters, look up the versions of      preparation, params, data
          the data, make the picture's key                   requests, keys
image     look the picture up, or have it drawn once and     cache, single_flight, stale, render
          store it
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from plotroute.cache.base import Storage, Stored, join_names
from plotroute.clock import now
from plotroute.data import freshness, sources
from plotroute.errors import (
    AnswerError,
    Draining,
    PlotFailed,
    RenderTimeout,
    UnknownPlot,
)
from plotroute.model import DatasetRef, Manifest, Versions
from plotroute.params import picture_options
from plotroute.pipeline import preparation
from plotroute.pipeline.requests import IncomingRequest, PictureRequest, Result, Validity, etag_of_bytes
from plotroute.pipeline.single_flight import SingleFlight, do_once
from plotroute.pipeline.stale import StaleIndex
from plotroute.pipeline.waiting_room import Room, come_again
from plotroute.render.base import Renderer
from plotroute.routing import routes, urls
from plotroute.routing.routes import Match
from plotroute.settings import Settings

log = logging.getLogger("plotroute")

T = TypeVar("T")


class Pipeline:
    """Answers requests with the pictures of a renderer, through a cache. Any thread may call every method."""

    def __init__(
        self,
        renderer: Renderer,
        storage: Storage,
        settings: Settings,
        clock: Callable[[], float] = now,
        room: Room | None = None,
    ) -> None:
        """Make a pipeline.

        Args:
            renderer: Draws the pictures, and knows the plots and the versions of data.
            storage: Keeps the pictures, the epochs of plots and the claims on drawings.
            settings: The settings in force.
            clock: Returns the time of day, in seconds since 1970.
            room: The room for requests that wait; by default for all threads of the settings but an eighth.
        """
        self._renderer = renderer
        self._cache = storage.cache
        self._epochs = storage.epochs
        self._claims = storage.claims
        self._settings = settings
        self._clock = clock
        self._ahead = -math.inf
        """Seconds by which the clock was ahead of the timer, which is never set, at most."""
        self._drawings: SingleFlight[Result] = SingleFlight()
        self._stale = StaleIndex()
        self._questions: SingleFlight[Any] = SingleFlight()
        self.room = room or Room(settings.threads)

    def ready(self) -> bool:
        """Return whether pictures can be drawn now."""
        return self._renderer.ready()

    def manifest(self) -> Manifest:
        """Return the manifest: the plots, datasets and parameters there are."""
        if self._renderer.ready():
            return self._renderer.manifest()
        with self.room.taken(starting=True):  # the render server is starting, which takes seconds
            return self._ask("manifest", self._renderer.manifest)

    def find(self, manifest: Manifest, path: str) -> Match:
        """Return the plot that a URL path means.

        Raises:
            UnknownPlot: No plot has the address, or several could. The error has the nearest addresses.
            PlotFailed: In development: the plot is registered wrongly, and the error says how.
        """
        match = routes.resolve(manifest, path)
        if match is not None:
            if match.plot.mistake:
                raise PlotFailed(match.plot.mistake)
            return match
        if several := routes.contested(manifest, path):
            raise UnknownPlot(
                "This may be the address of several plots", allowed=[plot.addresses[0] for plot in several]
            )
        nearest = routes.nearest(manifest, path, urls.example)
        raise UnknownPlot("There is no plot at this address", nearest=nearest)

    def prepare(self, request: IncomingRequest) -> PictureRequest:
        """Return the picture that a request means: checked, with a cache key, and not drawn.

        Raises:
            InvalidParameters: Everything that is wrong with the values.
            AnswerError: Any other error that the user can cure, or that the `allow` of the request raises.
        """
        plot = request.match.plot
        at = self._now()
        values = preparation.check_values(request, at)
        own = preparation.plot_values(plot, values)
        options = picture_options.build(values, plot, plot.max_pixels or self._settings.max_pixels)
        reads = tuple(sources.needed(request.manifest, plot, own).values())
        versions = self._versions(request.manifest, reads)
        epoch = self._epochs.of(*plot.names)
        job = preparation.make_job(request, own, options, versions, epoch, self._settings)
        return PictureRequest(plot, job, request.manifest, epoch, reads, at, bool(values.get("download")))

    def by_name(self, name: str, parameters: dict[str, Any]) -> PictureRequest:
        """Return the picture that a plot's name and Python values mean.

        Args:
            name: The name of the plot.
            parameters: Values of its parameters, of the picture options and of its user, and `format`.

        Raises:
            AnswerError: The same error that a request for its URL would be answered with.
        """
        manifest = self.manifest()
        match, format = urls.by_name(manifest, name, parameters)
        users = [parameters.pop(parameter.name, None) for parameter in match.plot.users]
        request = IncomingRequest(
            manifest=manifest,
            match=match,
            format=format,
            body=urls.canonical(match.plot, parameters),
            user=next(iter(users), None),
        )
        return self.prepare(request)

    def changed(self, names: Collection[str]) -> None:
        """Make all processes of this machine forget the versions of the datasets `names`."""
        self._renderer.changed(names)

    def image(self, wanted: PictureRequest) -> Result:
        """Return the picture from the cache, or have it drawn, once for all requests at the same time.

        Raises:
            AnswerError: The picture cannot be drawn, or not in time.
        """
        now = self._now()
        stored = self._cache.get(wanted.key) or None
        if stored and stored.fresh(now):
            self._confirm(wanted, wanted.key, now)
            return Result(stored.image, stored.etag, "hit", stored.expires_at)
        outdated = self._outdated(wanted, stored, now)
        if outdated is not None:
            self._drawings.begin(wanted.key, partial(self._redraw, wanted), self._settings.threads)
            picture, since = outdated
            return Result(picture.image, picture.etag, "stale", outdated_for=max(0.0, now - since))
        # The request may have waited for a version already; all waits together stay within the limits.
        deadline = max(1.0, wanted.at + self._limit(wanted) - now)
        with self.room.taken():
            work = partial(self._draw_once, wanted, bool(stored))
            result, joined = self._join(self._drawings, wanted.key, work, deadline)
        return Result(result.image, result.etag, "shared") if joined else result

    def drain(self) -> None:
        """Refuse all requests that wait and all that come: the server stops."""
        stopping = Draining("The server is being restarted", headers={"Retry-After": "2"})
        self._drawings.end(stopping)
        self._questions.end(stopping)

    def is_valid(self, validity: Validity) -> bool:
        """Return whether the same request still has the same response, without a round trip or a wait."""
        return (
            validity.in_time(self._now())
            and self._renderer.manifest() is validity.manifest
            and self._epochs.of(*validity.names) == validity.epoch
            and all(self._renderer.known(ref) == version for ref, version in validity.versions)
        )

    def stored(self, key: str) -> Stored | None:
        """Return the fresh picture that the cache has under `key`, or None."""
        stored = self._cache.get(key)
        return stored if stored and stored.fresh(self._now()) else None

    def _limit(self, wanted: PictureRequest) -> float:
        """Return the seconds after which a drawing ends, one way or the other."""
        return self._settings.queue_timeout + self._settings.load_timeout + wanted.job.timeout

    def _draw_once(self, wanted: PictureRequest, expired: bool) -> Result:
        """Draw the picture, or return it if another process with the same storage draws it first."""
        work = partial(self._draw, wanted, expired)
        if wanted.plot.freshness == "live":  # never fresh in a cache
            return work()
        return do_once(self._claims, wanted.key, work, partial(self._look_up, wanted), self._limit(wanted))

    def _look_up(self, wanted: PictureRequest) -> Result | None:
        """Return the picture that another process has drawn meanwhile, or None."""
        stored = self.stored(wanted.key)
        if stored is None:
            return None
        self._confirm(wanted, wanted.key, self._now())
        return Result(stored.image, stored.etag, "shared")

    def _draw(self, wanted: PictureRequest, expired: bool) -> Result:
        """Draw the picture, and store it under the versions that it was really drawn from."""
        image = self._renderer.render(wanted.job)
        now = self._now()
        plot = wanted.plot
        if image.code and image.code != wanted.manifest.code:
            # Code that was saved meanwhile has drawn it: the picture belongs to no key of this manifest.
            return Result(image, etag_of_bytes(image), "miss")
        if plot.freshness != "keyed":
            etag = etag_of_bytes(image)
            if plot.freshness == "live" and not plot.stale:
                return Result(image, etag, "live")
            # Another web process may have had it drawn: the picture expires in all of them at one moment.
            drawn_at = now - image.age
            image = replace(image, age=0.0)
            expires_at = drawn_at + (plot.ttl or 0.0)
            self._put(wanted, wanted.key, Stored(image, etag, drawn_at, expires_at), now)
            return Result(image, etag, "expired" if expired else "miss")
        key = wanted.key_for(image.versions)
        # The files that the drawing opened are no part of the key, so the key cannot be the ETag.
        result = Result(image, etag_of_bytes(image) if image.files else f'W/"{key}"', "miss")
        self._put(wanted, key, Stored(image, result.etag, now), now)
        self._confirm(wanted, key, now)
        return result

    def _put(self, wanted: PictureRequest, key: str, stored: Stored, now: float) -> None:
        """Store a picture, with the names of its plot and the time until which it is worth keeping."""
        worth_until = wanted.worth_until(stored.expires_at, now)
        self._cache.put(key, replace(stored, plot=join_names(wanted.plot.names), worth_until=worth_until))

    def _redraw(self, wanted: PictureRequest) -> Result:
        """Redraw in the background (stale-while-revalidate), and log errors: no request waits for them."""
        names = wanted.job.request_id, wanted.plot.name
        try:
            return self._draw_once(wanted, True)
        except AnswerError as error:
            log.error("%s %s, in the background: %s\n%s", *names, error, error.detail)
            raise
        except Exception:
            log.exception("%s %s, in the background: a fault of plotroute's own", *names)
            raise

    def _confirm(self, wanted: PictureRequest, key: str, now: float) -> None:
        """Note that the picture under `key` is true now, if the plot's `stale=` may show it later."""
        if wanted.plot.stale and wanted.plot.freshness == "keyed":
            self._stale.confirm(wanted.request_key, key, now)

    def _outdated(
        self, wanted: PictureRequest, stored: Stored | None, now: float
    ) -> tuple[Stored, float] | None:
        """Return the stale picture that `stale=` allows, and when it was last known to be true; or None."""
        stale = wanted.plot.stale
        if not stale:
            return None
        if wanted.plot.freshness != "keyed":
            until = (stored.expires_at or 0.0) if stored else 0.0
            return (stored, until) if stored and now < until + stale else None
        last = self._stale.within(wanted.request_key, stale, now)
        picture = self._cache.get(last[0]) if last else None
        return (picture, last[1]) if last and picture else None

    def _versions(self, manifest: Manifest, refs: Sequence[DatasetRef]) -> Versions:
        """Return the version of each dataset: by the clock where it decides, else the last known one."""
        specs = {dataset.name: dataset for dataset in manifest.datasets}
        found: dict[str, str] = {}
        unknown: list[DatasetRef] = []
        for ref in refs:
            version = freshness.known_version(specs[ref.name], ref, self._now())
            version = version or self._renderer.known(ref)
            if version is None:
                unknown.append(ref)
            else:
                found[ref.id] = version
        if unknown:
            key = " ".join(["versions", manifest.code, *(ref.id for ref in unknown)])
            with self.room.taken():
                found |= self._ask(key, partial(self._renderer.versions, unknown))
        return found

    def _ask(self, key: str, question: Callable[[], T]) -> T:
        """Return the renderer's answer. A thread that may wait only so long lets another thread ask."""
        left = self.room.left()
        return question() if left is None else self._join(self._questions, key, question, left)[0]

    def _join(
        self, calls: SingleFlight[T], key: str, work: Callable[[], T], timeout: float
    ) -> tuple[T, bool]:
        """Wait for the call with `key` as long as this thread may; then raise QueueFull."""
        left = self.room.left()
        try:
            if left is None:
                return calls.join(key, work, timeout, returning=self.room.returns())
            return calls.join(
                key, work, min(left, timeout), keep=left < timeout, returning=self.room.returns()
            )
        except RenderTimeout:
            if self.room.left() != 0:
                raise
        raise come_again("The picture is being drawn")

    def _now(self) -> float:
        """Return the time of day, in seconds since 1970; clear the cache when the clock was set back.

        A `ttl` names versions of data after the time of day. When that time comes again, the cache has
        pictures with the same keys, drawn from older data.
        """
        now = self._clock()
        ahead = now - time.monotonic()
        if ahead < self._ahead - freshness.SKEW:
            log.warning("the clock was set back; all pictures are drawn anew")
            self._ahead = ahead
            self._cache.clear()
        self._ahead = max(self._ahead, ahead)
        return now
