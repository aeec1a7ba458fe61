"""The protocol of a cache: finished pictures by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from plotroute.data.freshness import SKEW
from plotroute.data.opened_files import changed
from plotroute.model import Image


class _Missing:
    """Not in the cache: falsy, and not None, which could be a value."""

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
    """The names of the plot it is of, as `named` joins them, so that it can be purged."""

    def fresh(self, now: float) -> bool:
        """Whether the picture may still be shown at `now`: in time, and with its files as they were."""
        if self.expires_at is not None and not self.drawn_at - SKEW <= now < self.expires_at:
            return False
        return not self.image.files or not changed(self.image.files)


def named(names: Sequence[str]) -> str:
    """Return the names of a plot as one text."""
    return "\n".join(names)


def is_of(plot: str | None, name: str) -> bool:
    """Whether `name` is one of the names in `plot`."""
    return plot is not None and name in plot.split("\n")


class Cache(Protocol):
    """Finished pictures by key. Every method may be called from any thread, and none raises."""

    def get(self, key: str) -> Stored | _Missing:
        """Return what is stored under `key`, expired or not, or MISSING."""

    def put(self, key: str, stored: Stored) -> None:
        """Store under `key`, best effort: what does not fit is not stored."""

    def clear(self) -> None:
        """Forget every picture; epochs stay."""

    def epoch(self, *names: str) -> str:
        """Return "" as long as the plot was never purged, by any of its names, else what a purge changes.

        Whoever names pictures puts it into their keys: what was named before a purge is not found after
        it, wherever it is kept. It is asked for with every request, and cheap.
        """

    def purge(self, plot: str) -> int:
        """Change the epoch of the plot and forget its pictures; return how many, as far as is known."""
