"""What is asked for and what comes of it: PictureRequest → Result, and what an Answer stands on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from plotroute.data import freshness
from plotroute.model import DatasetRef, Image, Job, Manifest, PlotSpec, Versions
from plotroute.params import kind_of
from plotroute.pipeline import keys


@dataclass(frozen=True)
class PictureRequest:
    """A picture that somebody asked for, understood and named, and not yet drawn."""

    plot: PlotSpec
    job: Job
    manifest: Manifest
    epoch: str
    """Of the plot, as its purges have made it."""
    reads: tuple[DatasetRef, ...]
    """The data that the picture shows."""
    at: float
    """When it was asked for, in seconds since 1970."""
    download: bool = False

    @cached_property
    def key(self) -> str:
        """The name of the picture, from the versions of the data that were known."""
        return self.named(self.job.versions)

    @property
    def request(self) -> str:
        """The name of what was asked for, whatever data there is."""
        return self.named({})

    @property
    def etag(self) -> str | None:
        """The ETag where it is known before anything is loaded or drawn, else None."""
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

    def named(self, versions: Versions) -> str:
        """Return the name of the picture that is drawn from these versions of the data."""
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
    """A picture, and how it came about."""

    image: Image
    etag: str
    outcome: Literal["hit", "miss", "expired", "shared", "live", "stale"]
    expires_at: float | None = None
    """Of a picture that was looked up, in seconds since 1970; None: when its key changes."""
    outdated_for: float | None = None
    """Seconds for which a stale picture may have been untrue; None: it is not stale."""


@dataclass(frozen=True, slots=True)
class Validity:
    """What an answer stands on: as long as all of it holds, the same request has the same answer."""

    manifest: Manifest
    names: tuple[str, ...]
    """Of the plot, any of which may be purged."""
    epoch: str
    versions: tuple[tuple[DatasetRef, str], ...]
    """Of data whose version the clock does not decide."""
    until: float
    """Seconds since 1970."""
    since: float = 0.0
    """When it was asked for. Much earlier than that it can only be if the clock was set back."""

    def in_time(self, now: float) -> bool:
        """Whether the answer stands at `now`, as far as time decides it."""
        return self.since - freshness.SKEW <= now < self.until

    @classmethod
    def of(cls, wanted: PictureRequest, expires_at: float | None) -> Validity | None:
        """Return what the answer to an order stands on; None if it is over already.

        `expires_at` is that of the stored picture, if it has one.
        """
        plot = wanted.plot
        until = math.inf if expires_at is None else expires_at
        if plot.stale or any(kind_of(parameter).is_range for parameter in plot.params):
            # Ranges relative to now turn at whole seconds, and what may be shown stale is to be confirmed.
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
            else:  # it turned while the order was named
                return None
        return cls(wanted.manifest, plot.names, wanted.epoch, tuple(asked), until, wanted.at)
