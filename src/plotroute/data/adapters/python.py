"""Python's own values, and those of any class that no library's adapter owns."""

from __future__ import annotations

import datetime
import decimal
import enum
from hashlib import blake2b
from typing import Any

from plotroute import digest
from plotroute.data.adapters import find
from plotroute.data.adapters.base import Adapter, FeedInner

_CONSTANT = (
    *(str, bytes, int, float, complex, bool, type(None), frozenset),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal, enum.Enum),
)


def is_constant(value: Any) -> bool:
    """Whether nothing can change the value, of whatever library. For every cell of a column of objects."""
    if isinstance(value, tuple):
        return all(map(is_constant, value))
    return isinstance(value, _CONSTANT) or find(value).is_constant(value)


class Python(Adapter):
    """Whatever is of no library in the table."""

    def owns(self, value: Any) -> bool:
        """Whether the value is of this library: always."""
        return True

    def is_constant(self, value: Any) -> bool:
        """Whether nothing can change the value: numbers, texts, dates, and tuples of such."""
        return isinstance(value, _CONSTANT) or (isinstance(value, tuple) and is_constant(value))

    def is_shareable(self, value: Any) -> bool:
        """Whether the value is constant, or a tuple of shareable values."""
        if isinstance(value, tuple):
            return all(find(item).is_shareable(item) for item in value)
        return self.is_constant(value)

    def copy_for_plot(self, value: Any) -> Any:
        """Return the value itself; a tuple with copies of what is in it."""
        if not isinstance(value, tuple):
            return value
        items = [find(item).copy_for_plot(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)

    def feed(self, hashed: blake2b, value: Any, inner: FeedInner) -> None:
        """Feed what is in a container, or the pickle of anything else."""
        if isinstance(value, dict):
            inner(hashed, list(value.items()))
        elif isinstance(value, (list, tuple)):
            hashed.update(f"{len(value)};".encode())
            for item in value:
                inner(hashed, item)
        elif isinstance(value, (set, frozenset)):
            # Sorted: the order of a set is that of its making.
            inner(hashed, sorted(_hash_of(item, inner) for item in value))
        else:
            super().feed(hashed, value, inner)


def _hash_of(item: Any, inner: FeedInner) -> str:
    hashed = digest.hasher()
    try:
        inner(hashed, item)
    except Exception:  # its content cannot be told: that there is an item still can
        return ""
    return hashed.hexdigest()
