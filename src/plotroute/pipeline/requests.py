"""The nouns of a pipeline: IncomingRequest → PictureRequest → Result, and the Validity of a response."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from plotroute import digest
from plotroute.data import freshness
from plotroute.model import DatasetRef, Image, Job, Json, Manifest, PlotSpec, Versions
from plotroute.params import kind_of
from plotroute.pipeline import keys
from plotroute.routing.routes import Match


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRequest:
    """A request for a picture as it came in: from a URL, the command line or Python. Nothing is checked yet.

    Example:
        >>> match = pipeline.find(manifest, "/plots/sales/revenue.svg")
        >>> request = IncomingRequest(manifest=manifest, match=match, query=[("region", "EU")])
        >>> pipeline.image(pipeline.prepare(request)).image
        <Image image/svg+xml, 21,483 bytes>
    """

    manifest: Manifest
    match: Match
    """The plot, with the texts of its path parameters."""
    query: Sequence[tuple[str, str]] = ()
    """Names and texts of parameters and picture options."""
    body: Mapping[str, Json] | None = None
    """Values by name, from JSON or Python. They are checked together with `query`."""
    format: str | None = None
    """The only format that will do; None: the one in the address, or PNG if it has none."""
    user: str | None = None
    """The user of the request, for plots that show each user a picture of their own."""
    allow: Callable[[Mapping[str, Json]], None] | None = None
    """Raises if the user may not see the picture of these checked values. It is called before the versions of
    data are looked up: a request that is refused must not have data loaded."""
    request_id: str = ""

    @property
    def explicit_format(self) -> str | None:
        """The only format that will do, or None: a PNG is expected, and what a plot returns will do."""
        return self.format or self.match.format


@dataclass(frozen=True)
class PictureRequest:
    """A request for a picture after its checks: the picture has a key, and is not drawn yet."""

    plot: PlotSpec
    job: Job
    manifest: Manifest
    epoch: str
    """The epoch of the plot: each purge begins another."""
    reads: tuple[DatasetRef, ...]
    """The data that the plot reads for these values."""
    at: float
    """When the request came in, in seconds since 1970."""
    download: bool = False

    @cached_property
    def key(self) -> str:
        """The cache key of the picture of the known versions of the data."""
        return self.key_for(self.job.versions)

    @property
    def request_key(self) -> str:
        """The key of the request, the same whatever data there is."""
        return self.key_for({})

    @property
    def etag(self) -> str | None:
        """The ETag, if it is known before data is loaded and the picture is drawn; else None."""
        return f'W/"{self.key}"' if self.plot.freshness == "keyed" else None

    def worth_until(self, expires_at: float | None, now: float) -> float | None:
        """Return until when a picture that is stored at `now` may answer this request, stale or not.

        Args:
            expires_at: When the stored picture expires, in seconds since 1970; None: when its key changes.
            now: Seconds since 1970.

        Returns:
            Seconds since 1970. None where no clock decides it: data without a `ttl` may return to a version.
        """
        specs = {dataset.name: dataset for dataset in self.manifest.datasets}
        turns = (freshness.turns_at(specs[ref.name], ref, now) for ref in self.reads)
        until = min(math.inf if expires_at is None else expires_at, *turns, math.inf)
        # A machine whose clock is behind shows the picture that much longer.
        return None if until == math.inf else until + (self.plot.stale or 0.0) + freshness.SKEW

    def key_for(self, versions: Versions) -> str:
        """Return the cache key of the picture that is drawn from these versions of the data."""
        job = self.job
        return keys.picture_key(
            self.manifest,
            job.plot,
            job.values,
            job.options,
            job.format,
            job.explicit_format,
            versions,
            self.epoch,
        )


@dataclass(frozen=True, slots=True)
class Result:
    """A picture, and how the pipeline got it."""

    image: Image
    etag: str
    outcome: Literal["hit", "miss", "expired", "shared", "live", "stale"]
    expires_at: float | None = None
    """When a picture from the cache expires, in seconds since 1970; None: when its key changes."""
    outdated_for: float | None = None
    """Seconds since a stale picture was last known to be true; None: it is not stale."""


@dataclass(frozen=True, slots=True)
class Validity:
    """The validators of a response: while they are unchanged, the same request has the same response."""

    manifest: Manifest
    names: tuple[str, ...]
    """The names of the plot, any of which may be purged."""
    epoch: str
    versions: tuple[tuple[DatasetRef, str], ...]
    """The data whose version no clock decides."""
    valid_until: float
    """Seconds since 1970."""
    since: float = 0.0
    """When the request came in. A clock that shows a much earlier time was set back."""

    def in_time(self, now: float) -> bool:
        """Return whether the response is valid at `now`, as far as time decides it."""
        return freshness.is_current(self.since, self.valid_until, now)

    @classmethod
    def of(cls, wanted: PictureRequest, expires_at: float | None) -> Validity | None:
        """Return the validity of the response to a request; None if it has ended already.

        `expires_at` is that of the stored picture, if it has one.
        """
        plot = wanted.plot
        until = math.inf if expires_at is None else expires_at
        if plot.stale or any(kind_of(parameter).is_range for parameter in plot.params):
            # Ranges relative to now turn at whole seconds. A picture that may be shown stale needs a request
            # that reaches the pipeline each second, to note that it is still true.
            until = min(until, math.ceil(wanted.at))
        specs = {dataset.name: dataset for dataset in wanted.manifest.datasets}
        asked = []
        for ref in wanted.reads:
            spec, version = specs[ref.name], wanted.job.versions[ref.id]
            decided = freshness.known_version(spec, ref, wanted.at)
            if decided is None:
                asked.append((ref, version))
            elif decided == version:
                until = min(until, freshness.turns_at(spec, ref, wanted.at))
            else:  # it turned while the request was prepared
                return None
        return cls(wanted.manifest, plot.names, wanted.epoch, tuple(asked), until, wanted.at)


def etag_of_bytes(image: Image) -> str:
    """Return the ETag of a picture whose key does not decide its bytes."""
    return f'W/"{digest.of_bytes(image.body)}"'
