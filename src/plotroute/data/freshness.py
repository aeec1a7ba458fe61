"""How long data and pictures stay true: `ttl`, versions, buckets, and when to look at data again.

Pure: the caller passes the time. The two tables of docs/guide/caching.md come from this module.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Literal

from plotroute.model import DatasetRef, DatasetSpec
from plotroute.params import durations

FOREVER = "forever"

RELOAD_AFTER = 50.0
"""Seconds after which data without a `ttl` or version is loaded again in the background: with the load
itself, a change shows within a minute."""

KNOWN_FOR = 60.0
"""Seconds for which a version that was polled or loaded is believed. A request that finds an older one waits
until it is looked up anew."""

RETRY_AFTER = 5.0
"""Seconds after which a load that failed is tried again: a file that is missing may be on its way."""

SKEW = 60.0
"""Seconds by which a time may lie ahead, because the clocks of machines differ. If it lies further ahead,
this clock was set back, and the age of a thing is unknown."""

WATCHED_FOR = 600.0
"""Seconds after its last use for which data is still polled and loaded again. Then it rests until a request
needs it."""


def ttl(value: str | float | timedelta | None) -> float | None:
    """Return a `ttl` or `max_age` in seconds.

    Args:
        value: A duration as text, in seconds or as a timedelta; "forever"; None.

    Returns:
        Seconds; infinity for "forever"; None for None.

    Raises:
        ValueError: The value is not a duration.

    Example:
        >>> ttl("10m"), ttl(90), ttl("forever")
        (600.0, 90.0, inf)
    """
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
    """Return the freshness of a plot, and the seconds for which its pictures are true.

    A plot that reads datasets is taken to read nothing else. A plot that reads none may read something that
    plotroute cannot see, so it is drawn for every request unless its author declares a `ttl`.

    Args:
        ttl: The plot's `ttl` in seconds; None: its author declared none.
        reads_data: Whether the plot reads datasets.

    Returns:
        "keyed" (true while its key is the same), "timed" (true for that many seconds) or "live" (never true
        again), with the seconds of a "timed" plot.
    """
    if ttl is None:
        return ("keyed", None) if reads_data else ("live", None)
    if ttl == float("inf"):
        return "keyed", None
    return ("timed", ttl) if ttl > 0 else ("live", None)


def known_version(spec: DatasetSpec, ref: DatasetRef, now: float) -> str | None:
    """Return the version of the data if the clock alone decides it, else None.

    A bucket is the same on every machine whose clock is right.

    Args:
        spec: The dataset.
        ref: The dataset with the values of its parameters.
        now: Seconds since 1970.
    """
    if spec.freshness == "constant":
        return f"constant:{spec.version}"
    if spec.freshness == "bucket" and spec.ttl:
        return f"bucket:{spec.ttl:g}:{int((now + _offset(ref, spec.ttl)) // spec.ttl)}"
    return None


def turns_at(spec: DatasetSpec, ref: DatasetRef, now: float) -> float:
    """Return until when `known_version` returns the version of `now`, in seconds since 1970."""
    if spec.freshness == "bucket" and spec.ttl:
        offset = _offset(ref, spec.ttl)
        return (int((now + offset) // spec.ttl) + 1) * spec.ttl - offset
    return float("inf")


def _offset(ref: DatasetRef, ttl: float) -> float:
    """Return the seconds by which this data's buckets turn ahead: not all data turns at one moment."""
    digest = hashlib.blake2b(ref.id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * ttl


def is_current(since: float, until: float, now: float) -> bool:
    """Return whether something that was made at `since` is still true at `now`, if it is true until `until`.

    It is not if `since` lies ahead by more than clocks differ: then this clock was set back.
    """
    return since - SKEW <= now < until


def is_believed(found_at: float, now: float) -> bool:
    """Return whether a version that was polled or loaded at `found_at` is believed without another look.

    Both times are those of a clock that is never set, as for the two functions below.
    """
    return now - found_at < KNOWN_FOR


def is_watched(used_at: float, now: float) -> bool:
    """Return whether data that a request used last at `used_at` is still looked at in the background."""
    return now - used_at <= WATCHED_FOR


def refresh(
    found_at: float,
    now: float,
    *,
    poll: float | None = None,
    changed: Callable[[], object] = lambda: False,
    tried_at: float = -math.inf,
) -> Literal["poll", "reload"] | None:
    """Return how the version of data is to be found again at `now`; None: not yet.

    Args:
        found_at: When the version was found last.
        now: The time now.
        poll: Seconds between polls of the version that the author declared; None: the content is the version.
        changed: Returns something true if a file that the data was loaded from has changed. It is called only
            if time does not decide.
        tried_at: When finding the version failed last.
    """
    if poll is not None:
        return "poll" if now - max(found_at, tried_at) >= poll else None
    if now - tried_at < RETRY_AFTER:
        return None
    return "reload" if now - found_at >= RELOAD_AFTER or changed() else None


def affected(names: Iterable[str], datasets: Iterable[DatasetSpec]) -> set[str]:
    """Return the datasets `names` and all that read them, directly or not.

    Args:
        names: Names of datasets.
        datasets: All datasets, each after those that it reads.
    """
    found = set(names)
    for dataset in datasets:
        if found & set(dataset.reads):
            found.add(dataset.name)
    return found
