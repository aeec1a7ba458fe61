"""The protocols of a storage: a cache of pictures, the epochs of plots, and claims on drawings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from plotroute.data import freshness
from plotroute.data.opened_files import changed
from plotroute.model import Image


class _Missing:
    """The value of a cache miss: falsy, and not None, which could be a value."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture in the cache."""

    image: Image
    etag: str
    """The value of its ETag header, quotes and `W/` included."""
    drawn_at: float
    """Seconds since 1970."""
    expires_at: float | None = None
    """Seconds since 1970; None: when its key changes."""
    plot: str = ""
    """The names of its plot, as `join_names` joins them, so that a purge finds the picture."""
    worth_until: float | None = None
    """Seconds since 1970 from which no request can be answered with the picture, stale or not: a cache may
    drop it then. None: it is unknown when, so a cache keeps it as long as there is room."""

    def fresh(self, now: float) -> bool:
        """Return whether the picture may still be shown at `now`: not expired, and its files unchanged."""
        if self.expires_at is not None and not freshness.is_current(self.drawn_at, self.expires_at, now):
            return False
        return not self.image.files or not changed(self.image.files)


def join_names(names: Sequence[str]) -> str:
    """Return the names of a plot as one text, for `Stored.plot`."""
    return "\n".join(names)


def has_name(plot: str | None, name: str) -> bool:
    """Return whether `name` is one of the names in `plot`, a text of `join_names`."""
    return plot is not None and name in plot.split("\n")


class Cache(Protocol):
    """Finished pictures by key. Any thread may call every method, and none raises."""

    def get(self, key: str) -> Stored | _Missing:
        """Return the picture that is stored under `key`, expired or not, or MISSING."""

    def put(self, key: str, stored: Stored) -> None:
        """Store a picture under `key`, best effort: a picture that does not fit is not stored."""

    def clear(self) -> None:
        """Forget every picture."""

    def forget(self, plot: str) -> int:
        """Forget the pictures of the plot that has the name `plot`.

        Returns:
            The number of pictures that were forgotten, as far as it is known.
        """


class Epochs(Protocol):
    """The epochs of plots: a purge begins a new one. Any thread may call every method.

    The epoch is a part of every picture's key, so a purge makes all earlier pictures of the plot unreachable
    in every cache, near or far, and in browsers.
    """

    def of(self, *names: str) -> str:
        """Return the epoch of the plot that has these names; "" if it was never purged by any of them.

        Every request asks, cache hits too. So the answer comes from this process's own memory: no round trip
        to another process or machine. A purge by another process may show some seconds later.
        """

    def renew(self, name: str) -> None:
        """Begin a new epoch of the plot that has this name.

        Raises:
            OSError: The purge cannot be passed on. It counts in this process alone.
        """


class Claims(Protocol):
    """The keys of pictures that are being drawn, as all processes with the same storage see them.

    A claim saves work and never prevents it: claims that cannot be reached grant every request. Any thread
    may call every method, and none raises.
    """

    def take(self, key: str, seconds: float) -> str | None:
        """Claim the drawing of the picture under `key`.

        Args:
            key: The key of the picture.
            seconds: The time after which the claim ends by itself, because a process that was killed releases
                nothing.

        Returns:
            A token for `release`, or None if the key is claimed already.
        """

    def release(self, key: str, token: str) -> None:
        """End the claim that `take` answered with `token`; another claim on the key stays.

        A picture that was put into the cache before is there for every process that sees the claim's end.
        """

    def wait(self, key: str, seconds: float) -> None:
        """Return when no claim on `key` is in force, or after `seconds`."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Everything that is kept of pictures, at one place or at several: the dependency of a pipeline."""

    cache: Cache
    epochs: Epochs
    claims: Claims

    def purge(self, plot: str) -> int:
        """Begin a new epoch of a plot and forget its pictures.

        Args:
            plot: One of the names of the plot.

        Returns:
            The number of pictures that were forgotten, as far as it is known.

        Raises:
            OSError: Other processes cannot learn of it.
        """
        # The epoch first: from now on new pictures have another key.
        try:
            self.epochs.renew(plot)
        except OSError:
            # A full disk, perhaps: the pictures that go make room for the epoch.
            number = self.cache.forget(plot)
            self.epochs.renew(plot)
            return number
        return self.cache.forget(plot)
