"""The story in one page: what was asked → PictureRequest → Result.

find      which plot an address means                      addresses
prepare   check the parameters, learn the versions,        params, options, sources, freshness
          name the picture                                 orders, keys
image     look it up, or have it drawn once and keep it    cache, flights, latest, render
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from plotroute import digest, params
from plotroute.cache.base import Storage, Stored, join_names
from plotroute.cache.memory import in_memory
from plotroute.clock import now
from plotroute.data import freshness, sources
from plotroute.errors import (
    AnswerError,
    Draining,
    PlotFailed,
    RenderTimeout,
    Unauthorized,
    UnknownPlot,
)
from plotroute.model import DatasetRef, Image, Job, Json, Manifest, PlotSpec, Versions
from plotroute.params import kind_of, picture_options
from plotroute.pipeline.requests import PictureRequest, Result, Validity
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
    """Answers orders with the pictures of a renderer, through a cache."""

    def __init__(
        self,
        renderer: Renderer,
        storage: Storage,
        settings: Settings,
        clock: Callable[[], float] = now,
        room: Room | None = None,
    ) -> None:
        self._renderer = renderer
        self._cache = storage.cache
        self._epochs = storage.epochs
        self._claims = storage.claims
        self._settings = settings
        self._clock = clock
        self._ahead = -math.inf
        """Of the clock, seconds before the timer, which is never set."""
        self._flights: SingleFlight[Result] = SingleFlight()
        self._stale = StaleIndex()
        self._questions: SingleFlight[Any] = SingleFlight()
        self.room = room or Room(settings.threads)

    def ready(self) -> bool:
        """Whether pictures can be drawn now."""
        return self._renderer.ready()

    def manifest(self) -> Manifest:
        """Return what there is to draw."""
        if self._renderer.ready():
            return self._renderer.manifest()
        with self.room.taken(starting=True):  # the render server is starting, which takes seconds
            return self._ask("manifest", self._renderer.manifest)

    def find(self, manifest: Manifest, path: str) -> Match:
        """Return the plot that a URL path means; UnknownPlot with the nearest address.

        PlotFailed, in development, says what is wrong with the registration of the plot.
        """
        found = routes.resolve(manifest, path)
        if found is not None:
            if found.plot.mistake:
                raise PlotFailed(found.plot.mistake)
            return found
        if several := routes.contested(manifest, path):
            raise UnknownPlot(
                "This may be the address of several plots", allowed=[plot.addresses[0] for plot in several]
            )
        nearest = routes.nearest(manifest, path, urls.example)
        raise UnknownPlot("There is no plot at this address", nearest=nearest)

    def prepare(
        self,
        manifest: Manifest,
        found: Match,
        query: Sequence[tuple[str, str]],
        *,
        format: str,
        explicit_format: bool,
        body: Mapping[str, Json] | None = None,
        user: str | None = None,
        allow: Callable[[Mapping[str, Json]], None] | None = None,
        request_id: str = "",
    ) -> PictureRequest:
        """Say which picture is wanted, without drawing it. Raises what the reader can cure.

        `user` is who asks, for the plots that show each reader their own. `allow` is called with the checked
        values before anything is found out about data: who may not see the picture must not have it loaded.
        """
        plot = found.plot
        declared = plot.params + picture_options.offered(plot)
        at = self._now()
        now = datetime.fromtimestamp(at, UTC)
        if body is None:
            values = params.parse(declared, query, found.values, now=now)
        else:
            values = params.from_json(declared, body, query=query, path=found.values, now=now)
        for parameter in plot.users:
            if user is None and parameter.required:
                raise Unauthorized(
                    "This picture is another for each reader: log in to see yours",
                    # RFC 9110 wants one. No browser knows the scheme, so none opens a dialog.
                    headers={"WWW-Authenticate": 'Session realm="plots"'},
                )
            values[parameter.name] = user
        if allow is not None:
            allow({parameter.name: values[parameter.name] for parameter in plot.params + plot.users})
        return self.wanted(manifest, plot, values, format, explicit_format, request_id, at)

    def wanted(
        self,
        manifest: Manifest,
        plot: PlotSpec,
        values: Mapping[str, Json],
        format: str,
        explicit_format: bool,
        request_id: str,
        at: float,
    ) -> PictureRequest:
        """Name the picture that checked values of parameters and options mean."""
        own = {parameter.name: values[parameter.name] for parameter in plot.params + plot.users}
        appearance = picture_options.build(values, plot, plot.max_pixels or self._settings.max_pixels)
        reads = tuple(sources.needed(manifest, plot, own).values())
        versions = self._versions(manifest, reads)
        epoch = self._epochs.of(*plot.names)
        timed = plot.freshness == "timed"
        job = Job(
            plot=plot.name,
            values=own,
            texts=_texts(plot, own),
            format=format,
            explicit_format=explicit_format,
            options=appearance,
            live=plot.freshness != "keyed",
            versions=versions,
            code=manifest.code,
            timeout=plot.timeout or self._settings.render_timeout,
            ttl=plot.ttl or 0.0 if timed else 0.0,
            epoch=epoch if timed else "",
            request_id=request_id,
        )
        return PictureRequest(plot, job, manifest, epoch, reads, at, bool(values.get("download")))

    def named(self, name: str, parameters: dict[str, Any]) -> PictureRequest:
        """Say which picture Python values mean: those of the plot `name`, the options, and the user."""
        manifest = self.manifest()
        found, format = urls.named(manifest, name, parameters)
        users = [parameters.pop(parameter.name, None) for parameter in found.plot.users]
        return self.prepare(
            manifest,
            found,
            (),
            format=format or "png",
            explicit_format=format is not None,
            body=urls.canonical(found.plot, parameters),
            user=next(iter(users), None),
        )

    def changed(self, names: Collection[str]) -> None:
        """Have all processes of this machine forget the versions of datasets."""
        self._renderer.changed(names)

    def image(self, wanted: PictureRequest) -> Result:
        """Return the picture from the cache, or have it drawn, once for all who ask at the same time."""
        now = self._now()
        stored = self._cache.get(wanted.key) or None
        if stored and stored.fresh(now):
            self._confirm(wanted, wanted.key, now)
            return Result(stored.image, stored.etag, "hit", stored.expires_at)
        outdated = self._outdated(wanted, stored, now)
        if outdated is not None:
            self._flights.begin(wanted.key, lambda: self._draw_behind(wanted), self._settings.threads)
            picture, since = outdated
            return Result(picture.image, picture.etag, "stale", outdated_for=max(0.0, now - since))
        # Finding out a version has been a wait of its own; all of it together stays within the limits.
        deadline = max(1.0, wanted.at + self._limit(wanted) - now)
        with self.room.taken():
            work = partial(self._draw_once, wanted, bool(stored))
            answer, joined = self._join(self._flights, wanted.key, work, deadline)
        return Result(answer.image, answer.etag, "shared") if joined else answer

    def drain(self) -> None:
        """Tell all requests that still wait, and all that come, that the server stops."""
        stopping = Draining("The server is being restarted", headers={"Retry-After": "2"})
        self._flights.end(stopping)
        self._questions.end(stopping)

    def stands(self, validity: Validity) -> bool:
        """Whether the same request still has the same answer. Asks and waits for nothing."""
        return (
            validity.in_time(self._now())
            and self._renderer.manifest() is validity.manifest
            and self._epochs.of(*validity.names) == validity.epoch
            and all(self._renderer.known(ref) == version for ref, version in validity.versions)
        )

    def stored(self, key: str) -> Stored | None:
        """Return what the cache has under `key` and may still be shown."""
        found = self._cache.get(key)
        return found if found and found.fresh(self._now()) else None

    def _limit(self, wanted: PictureRequest) -> float:
        """Return the seconds after which a drawing ends, one way or the other."""
        return self._settings.queue_timeout + self._settings.load_timeout + wanted.job.timeout

    def _draw_once(self, wanted: PictureRequest, expired: bool) -> Result:
        """Draw, unless another process with the same storage is drawing the picture: then take that one."""
        work = partial(self._draw, wanted, expired)
        if wanted.plot.freshness == "live" and not wanted.plot.stale:  # never stored
            return work()
        return do_once(self._claims, wanted.key, work, partial(self._look_up, wanted), self._limit(wanted))

    def _look_up(self, wanted: PictureRequest) -> Result | None:
        """Return the picture that another process has drawn meanwhile."""
        stored = self.stored(wanted.key)
        if stored is None:
            return None
        self._confirm(wanted, wanted.key, self._now())
        return Result(stored.image, stored.etag, "shared")

    def _draw(self, wanted: PictureRequest, expired: bool) -> Result:
        """Draw, and store under the versions that the picture was really drawn from."""
        image = self._renderer.render(wanted.job)
        now = self._now()
        plot = wanted.plot
        if image.code and image.code != wanted.manifest.code:
            # A version of the code that was saved meanwhile has drawn it: it is stored under no name.
            return Result(image, _etag_of_bytes(image), "miss")
        if plot.freshness != "keyed":
            etag = _etag_of_bytes(image)
            if plot.freshness == "live" and not plot.stale:
                return Result(image, etag, "live")
            # Another web process may have had it drawn: its time is over for all at the same moment.
            drawn_at = now - image.age
            image = replace(image, age=0.0)
            expires_at = drawn_at + (plot.ttl or 0.0)
            self._put(wanted, wanted.key, Stored(image, etag, drawn_at, expires_at), now)
            return Result(image, etag, "expired" if expired else "miss")
        key = wanted.named(image.versions)
        # Files that were opened only now have no part in the key, so it says too little to be the ETag.
        answer = Result(image, _etag_of_bytes(image) if image.files else f'W/"{key}"', "miss")
        self._put(wanted, key, Stored(image, answer.etag, now), now)
        self._confirm(wanted, key, now)
        return answer

    def _put(self, wanted: PictureRequest, key: str, stored: Stored, now: float) -> None:
        """Store a picture, with the names of its plot and the time until which it is worth keeping."""
        worth_until = wanted.worth_until(stored.expires_at, now)
        self._cache.put(key, replace(stored, plot=join_names(wanted.plot.names), worth_until=worth_until))

    def _draw_behind(self, wanted: PictureRequest) -> Result:
        """Draw for nobody who waits: what goes wrong is told to the log alone."""
        try:
            return self._draw_once(wanted, True)
        except AnswerError as error:
            log.error("%s %s, behind: %s\n%s", wanted.job.request_id, wanted.plot.name, error, error.detail)
            raise
        except Exception:
            log.exception(
                "%s %s, behind: a fault of plotroute's own", wanted.job.request_id, wanted.plot.name
            )
            raise

    def _confirm(self, wanted: PictureRequest, key: str, now: float) -> None:
        """Note that the request means the picture under `key`, where it may be shown once it is outdated."""
        if wanted.plot.stale and wanted.plot.freshness == "keyed":
            self._stale.confirm(wanted.request, key, now)

    def _outdated(
        self, wanted: PictureRequest, stored: Stored | None, now: float
    ) -> tuple[Stored, float] | None:
        """Return a picture that `stale=` lets be shown though it is untrue, and until when it was true."""
        stale = wanted.plot.stale
        if not stale:
            return None
        if wanted.plot.freshness != "keyed":
            until = (stored.expires_at or 0.0) if stored else 0.0
            return (stored, until) if stored and now < until + stale else None
        last = self._stale.within(wanted.request, stale, now)
        picture = self._cache.get(last[0]) if last else None
        return (picture, last[1]) if last and picture else None

    def _versions(self, manifest: Manifest, refs: Sequence[DatasetRef]) -> Versions:
        """Return the version of each dataset: by the clock where that decides, else as last known."""
        specs = {dataset.name: dataset for dataset in manifest.datasets}
        found: dict[str, str] = {}
        asked: list[DatasetRef] = []
        for ref in refs:
            version = freshness.known_version(specs[ref.name], ref, self._now())
            version = version or self._renderer.known(ref)
            if version is None:
                asked.append(ref)
            else:
                found[ref.id] = version
        if asked:
            key = " ".join(["versions", manifest.code, *(ref.id for ref in asked)])
            with self.room.taken():
                found |= self._ask(key, partial(self._renderer.versions, asked))
        return found

    def _ask(self, key: str, question: Callable[[], T]) -> T:
        """Return the renderer's answer. A thread that may not wait for it leaves the question to another."""
        left = self.room.left()
        return question() if left is None else self._join(self._questions, key, question, left)[0]

    def _join(
        self, flights: SingleFlight[T], key: str, work: Callable[[], T], timeout: float
    ) -> tuple[T, bool]:
        """Join a flight for as long as this thread may wait; QueueFull says that it may not any longer."""
        left = self.room.left()
        try:
            if left is None:
                return flights.join(key, work, timeout, returning=self.room.returns())
            return flights.join(
                key, work, min(left, timeout), keep=left < timeout, returning=self.room.returns()
            )
        except RenderTimeout:
            if self.room.left() != 0:
                raise
        raise come_again("The picture is being drawn")

    def _now(self) -> float:
        """Return the time of day, in seconds since 1970. Where it comes again, no picture is of it.

        A `ttl` names data after the time of day: after the clock was set back, what was drawn under the
        same name was drawn then, and from older data.
        """
        now = self._clock()
        ahead = now - time.monotonic()
        if ahead < self._ahead - freshness.SKEW:
            log.warning("the clock was set back; all pictures are drawn anew")
            self._ahead = ahead
            self._cache.clear()
        self._ahead = max(self._ahead, ahead)
        return now


class UncachedPipeline(Pipeline):
    """Draws in the thread that asks and keeps nothing: what a test has just done is in the picture."""

    def __init__(
        self, renderer: Renderer, settings: Settings, apart: Callable[[Callable[[], Any]], Any]
    ) -> None:
        """`apart` calls a function where it finds what author code finds in production."""
        super().__init__(renderer, in_memory(0), settings)
        self._apart = apart

    def image(self, wanted: PictureRequest) -> Result:
        """Draw the picture."""
        image: Image = self._apart(partial(self._renderer.render, wanted.job))
        return Result(image, wanted.etag or _etag_of_bytes(image), "live")

    def _ask(self, key: str, question: Callable[[], T]) -> T:
        answer: T = self._apart(question)
        return answer


def _etag_of_bytes(image: Image) -> str:
    """Return the ETag of a picture whose key says too little of it."""
    return f'W/"{digest.of_bytes(image.body)}"'


def _texts(plot: PlotSpec, values: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the free texts among the values that Matplotlib could take for more than a text.

    That is mathtext, and names of its own: a label that begins with `_` is left out of legends.
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
