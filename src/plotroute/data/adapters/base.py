"""What an adapter tells of the data of its library: may plots share a value, and what is its content."""

from __future__ import annotations

import io
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

FeedInner = Callable[[blake2b, Any], None]
"""Feeds a value that is inside of another, of whatever library, to a hash."""


class Adapter(ABC):
    """The data of one library. What is defined here holds for a value of which nothing more is known."""

    @abstractmethod
    def owns(self, value: Any) -> bool:
        """Whether the value is of this library."""

    def is_constant(self, value: Any) -> bool:
        """Whether nothing can change the value: then plots may have it itself, inside of others too."""
        return False

    def is_shareable(self, value: Any) -> bool:
        """Whether `copy_for_plot` makes values that plots may change without one seeing another's changes."""
        return self.is_constant(value)

    def copy_for_plot(self, value: Any) -> Any:
        """Return a shareable value for a plot that may change it; cheaply: each drawing calls this."""
        return value

    def query_name(self, value: Any) -> str:
        """Return the type of a query that runs only when a plot uses it; empty: the value is data."""
        graph = getattr(type(value), "__dask_graph__", None)
        if isinstance(value, type) or not callable(graph):
            return ""
        # Of Dask's protocol. xarray has the method too, and says None where all is in memory.
        return type(value).__name__ if value.__dask_graph__() is not None else ""

    def feed(self, hashed: blake2b, value: Any, inner: FeedInner) -> None:
        """Feed the content to a hash: equal content, equal bytes.

        Args:
            hashed: the hash, which has the value's type already.
            value: a value that `owns` is true of.
            inner: feeds what is inside of the value, of whatever library.

        Raises:
            Exception: of any class, where the content cannot be told.
        """
        # Only ever hashed, never loaded. Without the memo, which tells equal texts from identical ones.
        file = io.BytesIO()
        pickler = pickle.Pickler(file, protocol=5)
        pickler.fast = True
        pickler.dump(value)
        hashed.update(file.getvalue())


def library_name(value: Any) -> str:
    """Return the type of a value as authors write it: `polars.LazyFrame`."""
    return f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
