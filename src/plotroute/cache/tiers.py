"""A near cache before a far one: a miss in the near one is looked up in the far one, and kept near."""

from __future__ import annotations

from collections.abc import Callable

from plotroute.cache.base import Cache, Stored, _Missing
from plotroute.clock import now


class Tiers:
    """A near cache, which is fast, and a far one, which is shared and survives a restart."""

    def __init__(self, near: Cache, far: Cache, clock: Callable[[], float] = now) -> None:
        self._near = near
        self._far = far
        self._clock = clock

    def get(self, key: str) -> Stored | _Missing:
        """Return the picture that is stored under `key`, expired or not, or MISSING."""
        near = self._near.get(key)
        if near and near.fresh(self._clock()):
            return near
        # Another process may have drawn an expired picture again.
        far = self._far.get(key)
        if not far or (near and near.drawn_at >= far.drawn_at):
            return near
        self._near.put(key, far)
        return far

    def put(self, key: str, stored: Stored) -> None:
        """Store a picture under `key` in both caches."""
        self._near.put(key, stored)
        self._far.put(key, stored)

    def clear(self) -> None:
        """Forget every picture."""
        self._far.clear()  # first: it could fill the near one again
        self._near.clear()

    def forget(self, plot: str) -> int:
        """Forget the pictures of a plot; return how many, as far as it is known."""
        return max(self._far.forget(plot), self._near.forget(plot))
