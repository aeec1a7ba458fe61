"""pandas: frames and series, of which plots get copies."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import pandas as pd

from plotroute.data.adapters.base import Adapter, FeedInner
from plotroute.data.adapters.python import is_constant

_DEEP_UP_TO = 32 * 2**20
"""Bytes of a frame that is copied whole: 32 MB take about 10 ms, less than the smallest plot. Above that
copy-on-write keeps frames apart, except for what a plot writes into `column.array`, around pandas."""


class Pandas(Adapter):
    """Frames, series and indexes."""

    def owns(self, value: Any) -> bool:
        """Whether the value is a frame, a series or an index, of subclasses too."""
        return isinstance(value, (pd.DataFrame, pd.Series, pd.Index))

    def is_shareable(self, value: Any) -> bool:
        """Whether nothing can change what is in the columns of objects. Looks at every cell of them.

        Columns need different names: there is no way to take one of two that have the same.
        """
        if isinstance(value, pd.Series):
            return not _holds_objects(value.dtype) or all(map(is_constant, value))
        if not isinstance(value, pd.DataFrame) or not value.columns.is_unique:
            return False
        objects = (value[name] for name in value.columns[[_holds_objects(dtype) for dtype in value.dtypes]])
        return all(is_constant(cell) for column in objects for cell in column)

    def copy_for_plot(self, value: Any) -> Any:
        """Return a deep copy, or of a large frame a shallow one with labels of its own."""
        usage = value.memory_usage(deep=False)
        if int(usage if isinstance(usage, int) else usage.sum()) <= _DEEP_UP_TO:
            return value.copy(deep=True)
        copy = value.copy(deep=False)
        # Copy-on-write protects the values, not the Index objects: `df.columns.name = …` would stay.
        copy.index = value.index.view()
        if isinstance(value, pd.DataFrame):
            copy.columns = value.columns.view()
        return copy

    def feed(self, hashed: blake2b, value: Any, inner: FeedInner) -> None:
        """Feed labels, attributes and the values of each column, with their types."""
        if isinstance(value, pd.Index):
            _feed_labels(hashed, value, inner)
        elif isinstance(value, pd.Series):
            inner(hashed, value.name)
            _feed_labels(hashed, value.index, inner)
            _feed_column(hashed, value, inner)
        else:
            _feed_labels(hashed, value.columns, inner)
            _feed_labels(hashed, value.index, inner)
            inner(hashed, value.attrs)
            for position in range(value.shape[1]):
                _feed_column(hashed, value.iloc[:, position], inner)


def _feed_labels(hashed: blake2b, index: Any, inner: FeedInner) -> None:
    """Feed rows or columns: their names, types and labels."""
    inner(hashed, list(index.names))
    for level in range(index.nlevels):
        _feed_column(hashed, index.get_level_values(level).to_series(), inner)


def _feed_column(hashed: blake2b, column: Any, inner: FeedInner) -> None:
    hashed.update(f"{column.dtype!r};".encode())
    if isinstance(column.dtype, pd.CategoricalDtype):
        inner(hashed, [list(column.dtype.categories), bool(column.dtype.ordered)])
    if _holds_objects(column.dtype):
        inner(hashed, column.tolist())  # pandas' hash does not tell 1 from "1"
    else:
        hashed.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())


def _holds_objects(dtype: Any) -> bool:
    return bool(getattr(dtype, "kind", "") == "O" and dtype.name == "object")
