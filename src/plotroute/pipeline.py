"""The story in one page: what was asked → Order → Answer.

find      which plot an address means                      addresses
prepare   check the parameters, learn the versions,        params, options, sources, freshness
          name the picture                                 keys
image     look it up, or have it drawn once and keep it    cache, flights, render
"""

from __future__ import annotations

import difflib
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from plotroute import addresses, freshness, keys, options, params, sources
from plotroute.addresses import Found
from plotroute.cache.base import Cache, Stored
from plotroute.errors import InvalidParameters, ParameterError, UnknownPlot
from plotroute.flights import Flights
from plotroute.model import DatasetRef, Image, Job, Json, Manifest, PlotSpec, Versions
from plotroute.render.base import Renderer
from plotroute.settings import Settings


@dataclass(frozen=True, slots=True)
class Order:
    """A picture that somebody asked for, understood and named, and not yet drawn."""

    plot: PlotSpec
    job: Job
    manifest: Manifest
    key: str
    download: bool = False

    @property
    def etag(self) -> str | None:
        """The ETag where it is known before anything is loaded or drawn, else None."""
        return f'W/"{self.key}"' if self.plot.freshness == "keyed" else None


@dataclass(frozen=True, slots=True)
class Answer:
    """A picture, and how it came about."""

    image: Image
    etag: str
    outcome: Literal["hit", "miss", "expired", "shared", "live"]


class Pipeline:
    """Answers orders with the pictures of a renderer, through a cache."""

    def __init__(
        self, renderer: Renderer, cache: Cache, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._renderer = renderer
        self._cache = cache
        self._settings = settings
        self._clock = clock
        self._flights: Flights[Answer] = Flights()

    def ready(self) -> bool:
        """Whether pictures can be drawn now."""
        return self._renderer.ready()

    def manifest(self) -> Manifest:
        """Return what there is to draw."""
        return self._renderer.manifest()

    def find(self, manifest: Manifest, path: str) -> Found:
        """Return the plot that a URL path means; UnknownPlot with the nearest name."""
        found = addresses.resolve(manifest, path)
        if found is not None:
            return found
        names = {p.addresses[0]: p.name for p in manifest.plots if not p.adhoc}
        nearest = next(iter(difflib.get_close_matches(path, names, n=1, cutoff=0.5)), None)
        raise UnknownPlot("There is no plot at this address", nearest=nearest)

    def prepare(
        self,
        manifest: Manifest,
        found: Found,
        query: Sequence[tuple[str, str]],
        *,
        format: str,
        asked_format: bool,
        body: Mapping[str, Json] | None = None,
        request_id: str = "",
    ) -> Order:
        """Say which picture is wanted, without drawing it. Raises what the reader can cure."""
        plot = found.plot
        declared = plot.params + options.offered(plot)
        now = datetime.fromtimestamp(self._clock(), UTC)
        if body is None:
            values = params.parse(declared, query, found.values, now=now)
        else:
            for name in body.keys() & found.values.keys():
                message = "stands in the path already"
                raise InvalidParameters([ParameterError(name, "repeated", message)])
            values = params.from_json(declared, {**body, **found.values}, now=now)
        return self.order(manifest, plot, values, format, asked_format, request_id)

    def order(
        self,
        manifest: Manifest,
        plot: PlotSpec,
        values: Mapping[str, Json],
        format: str,
        asked_format: bool,
        request_id: str = "",
    ) -> Order:
        """Name the picture that checked values of parameters and options mean."""
        own = {parameter.name: values[parameter.name] for parameter in plot.params}
        dress = options.build(values, plot, plot.max_pixels or self._settings.max_pixels)
        versions = self._versions(manifest, list(sources.needed(manifest, plot, own).values()))
        key = keys.picture_key(manifest, plot.name, own, dress, format, asked_format, versions)
        job = Job(
            plot=plot.name,
            values=own,
            texts=_texts(plot, own),
            format=format,
            asked_format=asked_format,
            options=dress,
            live=plot.freshness != "keyed",
            versions=versions,
            code=manifest.code,
            timeout=plot.timeout or self._settings.render_timeout,
            request_id=request_id,
        )
        return Order(plot, job, manifest, key, bool(values.get("download")))

    def image(self, order: Order) -> Answer:
        """Return the picture from the cache, or have it drawn, once for all who ask at the same time."""
        stored = self._cache.get(order.key)
        if stored and stored.fresh(self._clock()):
            return Answer(stored.image, stored.etag, "hit")
        deadline = self._settings.queue_timeout + self._settings.load_timeout + order.job.timeout
        answer, joined = self._flights.join(order.key, lambda: self._draw(order, bool(stored)), deadline)
        return Answer(answer.image, answer.etag, "shared") if joined else answer

    def _draw(self, order: Order, expired: bool) -> Answer:
        """Draw, and store under the versions that the picture was really drawn from."""
        image = self._renderer.render(order.job)
        if order.plot.freshness != "keyed":
            etag = f'W/"{hashlib.blake2b(image.body, digest_size=16).hexdigest()}"'
            if order.plot.freshness == "live":
                return Answer(image, etag, "live")
            now = self._clock()
            self._cache.put(order.key, Stored(image, etag, now, now + (order.plot.ttl or 0.0)))
            return Answer(image, etag, "expired" if expired else "miss")
        job = order.job
        key = keys.picture_key(
            order.manifest, job.plot, job.values, job.options, job.format, job.asked_format, image.versions
        )
        answer = Answer(image, f'W/"{key}"', "miss")
        self._cache.put(key, Stored(image, answer.etag, self._clock()))
        return answer

    def _versions(self, manifest: Manifest, refs: Sequence[DatasetRef]) -> Versions:
        """Return the version of each dataset: by the clock where that decides, else as last known."""
        specs = {dataset.name: dataset for dataset in manifest.datasets}
        found: dict[str, str] = {}
        asked: list[DatasetRef] = []
        for ref in refs:
            version = freshness.known_version(specs[ref.name], ref, self._clock())
            if version is None:
                asked.append(ref)
            else:
                found[ref.id] = version
        return found | dict(self._renderer.versions(asked)) if asked else found


def _texts(plot: PlotSpec, values: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the free texts among the values that could be taken for mathtext."""
    found = []
    for parameter in plot.params:
        if parameter.kind == "str" and values[parameter.name] != parameter.default:
            value = values[parameter.name]
            found += [
                text for text in (value if isinstance(value, list) else [value]) if text and "$" in text
            ]
    return tuple(found)
