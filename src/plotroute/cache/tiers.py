"""One cache before another: what the near one lacks is got from the far one, and kept near."""

from __future__ import annotations

from collections.abc import Callable

from plotroute.cache.base import Cache, Stored, _Missing
from plotroute.clock import now


class Tiers:
    """A near cache, which is quick, and a far one, which lasts and is shared."""

    def __init__(self, near: Cache, far: Cache, clock: Callable[[], float] = now) -> None:
        self._near = near
        self._far = far
        self._clock = clock

    def get(self, key: str) -> Stored | _Missing:
        """Return what is stored under `key`, expired or not, or MISSING."""
        near = self._near.get(key)
        if near and near.fresh(self._clock()):
            return near
        # An expired picture may have been drawn again by another process.
        far = self._far.get(key)
        if not far or (near and near.drawn_at >= far.drawn_at):
            return near
        self._near.put(key, far)
        return far

    def put(self, key: str, stored: Stored) -> None:
        """Store under `key` in both."""
        self._near.put(key, stored)
        self._far.put(key, stored)

    def clear(self) -> None:
        """Forget every picture; epochs stay."""
        self._far.clear()  # first: it could fill the near one again
        self._near.clear()

    def epoch(self, *names: str) -> str:
        """Return the epoch of the far cache, which all processes share, or else the near one's."""
        # Not both in one: the near one's is known to one process, and would give a picture another name
        # there than everywhere else. It counts where the far one cannot be written.
        return self._far.epoch(*names) or self._near.epoch(*names)

    def purge(self, plot: str) -> int:
        """Change the epoch of the plot and forget its pictures; return how many, as far as is known."""
        return max(self._far.purge(plot), self._near.purge(plot))
