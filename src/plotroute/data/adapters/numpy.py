"""NumPy: arrays, of which plots get read-only views, and its numbers."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

from plotroute.data.adapters.base import Adapter, FeedInner


class NumPy(Adapter):
    """Arrays and numbers."""

    def owns(self, value: Any) -> bool:
        """Whether the value is an array, of a subclass too, or a number."""
        return isinstance(value, (np.ndarray, np.generic))

    def is_constant(self, value: Any) -> bool:
        """Whether it is a number."""
        return isinstance(value, np.generic)

    def is_shareable(self, value: Any) -> bool:
        """Whether it is a number, or an array whose items are no objects.

        Subclasses (masked arrays, matrices) carry state that a view would share.
        """
        if isinstance(value, np.ndarray):
            return type(value) is np.ndarray and not value.dtype.hasobject
        return True

    def copy_for_plot(self, value: Any) -> Any:
        """Return a read-only view of an array."""
        if not isinstance(value, np.ndarray):
            return value
        view = value.view()
        view.flags.writeable = False
        return view

    def feed(self, hashed: blake2b, value: Any, inner: FeedInner) -> None:
        """Feed type, shape and items, however the array lies in memory."""
        if isinstance(value, np.ma.MaskedArray):
            # Not its pickle, which another array with the same items and mask need not have.
            inner(hashed, [value.filled(), np.ma.getmaskarray(value), value.fill_value])
            return
        if type(value) is not np.ndarray:
            super().feed(hashed, value, inner)
            return
        hashed.update(f"{value.dtype.descr}{value.shape};".encode())
        if value.dtype.hasobject:
            inner(hashed, value.tolist())
        else:
            hashed.update(value.tobytes())
