"""How long data and pictures stay true: `ttl`, versions, buckets, Cache-Control.

Pure: whoever calls says what time it is. The two tables of docs/guide/caching.md are written here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from plotroute.model import DatasetRef, DatasetSpec
from plotroute.params import durations

FOREVER = "forever"

RELOAD_AFTER = 50.0
"""Seconds after which data without a `ttl` or version is loaded again behind the readers' backs: with
the load itself, a change shows within a minute."""

KNOWN_FOR = 60.0
"""Seconds a version that was read or made by loading is believed. Older: asked for anew, before the
answer."""

SKEW = 60.0
"""Seconds by which a time may lie ahead, since other machines' clocks differ. Further ahead, this clock was
set back, and how old a thing is cannot be told."""

WATCHED_FOR = 600.0
"""Seconds after its last use that data is still polled and loaded again; then it rests until asked for."""


def ttl(value: str | float | timedelta | None) -> float | None:
    """Return a `ttl` or `max_age` in seconds: `"10m"`, 600, a timedelta; infinity for "forever"."""
    if value is None:
        return None
    if value == FOREVER:
        return float("inf")
    if isinstance(value, str):
        return durations.parse(value).total_seconds()
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if not seconds >= 0 or seconds == float("inf"):
        raise ValueError(f'{value!r} is not a duration: write {durations.SPELLING}, or "forever"')
    return seconds


def plot_freshness(
    ttl: float | None, reads_data: bool
) -> tuple[Literal["keyed", "timed", "live"], float | None]:
    """Return how fresh a plot's pictures are, from its `ttl` in seconds and whether it reads datasets.

    A plot that reads datasets is taken to read nothing else. One that reads none may look at something
    that plotroute cannot see, so it is drawn for every request unless its author says otherwise.
    """
    if ttl is None:
        return ("keyed", None) if reads_data else ("live", None)
    if ttl == float("inf"):
        return "keyed", None
    return ("timed", ttl) if ttl > 0 else ("live", None)


def known_version(spec: DatasetSpec, ref: DatasetRef, now: float) -> str | None:
    """Return the version of the data where the clock alone decides it, or None.

    `now` is in seconds since 1970. A bucket is the same on every machine whose clock is right; the
    offset keeps all datasets from turning at the same moment.
    """
    if spec.freshness == "constant":
        return f"constant:{spec.version}"
    if spec.freshness == "bucket" and spec.ttl:
        return f"bucket:{spec.ttl:g}:{int((now + _offset(ref, spec.ttl)) // spec.ttl)}"
    return None


def turns_at(spec: DatasetSpec, ref: DatasetRef, now: float) -> float:
    """Return when the version that `known_version` says at `now` is over, in seconds since 1970."""
    if spec.freshness == "bucket" and spec.ttl:
        offset = _offset(ref, spec.ttl)
        return (int((now + offset) // spec.ttl) + 1) * spec.ttl - offset
    return float("inf")


def _offset(ref: DatasetRef, ttl: float) -> float:
    """Return the seconds by which the data turns ahead of others, so that not all turn at the same moment."""
    digest = hashlib.blake2b(ref.id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * ttl


def affected(names: Iterable[str], datasets: Iterable[DatasetSpec]) -> set[str]:
    """Return the datasets `names`, and those that read them, directly or not."""
    found = set(names)
    for dataset in datasets:  # in the order of what reads what
        if found & set(dataset.reads):
            found.add(dataset.name)
    return found
