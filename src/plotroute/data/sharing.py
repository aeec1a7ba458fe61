"""Loaded data: how one copy serves many plots, and what tells two states of it apart.

pandas, Polars and PyArrow are only touched when the author's code has imported them.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import io
import pickle
import sys
from typing import Any

from plotroute import digest

_IMMUTABLE = (
    *(str, bytes, int, float, complex, bool, type(None), frozenset),
    *(datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo, decimal.Decimal, enum.Enum),
)

# A deep copy of 32 MB takes about 10 ms, less than the smallest plot. Above that copy-on-write does, which
# keeps everything apart except what is written into `column.array`, around pandas.
_DEEP_UP_TO = 32 * 2**20


def is_shareable(value: Any) -> bool:
    """Whether plots can be given `value` one after the other without one seeing another's changes.

    Looks at every cell of object columns, so ask once per load.
    """
    if _is(value, "pandas", "DataFrame"):
        objects = (
            value[column] for column in value.columns[[_holds_objects(dtype) for dtype in value.dtypes]]
        )
        return value.columns.is_unique and all(map(_immutable, (cell for each in objects for cell in each)))
    if _is(value, "pandas", "Series"):
        return not _holds_objects(value.dtype) or all(map(_immutable, value))
    if _is(value, "numpy", "ndarray"):
        # Subclasses (masked arrays, matrices) carry state that a view would share.
        return type(value) is sys.modules["numpy"].ndarray and not value.dtype.hasobject
    if _is(value, "polars", "DataFrame", "Series", "LazyFrame") or _is(value, "pyarrow", "Table"):
        return True  # immutable, or cloned below
    if isinstance(value, tuple):
        return all(map(is_shareable, value))
    return _immutable(value)


def copy_for_plot(value: Any) -> Any:
    """Return a `is_shareable` value for a plot that may change it freely.

    A frame is a copy: a deep one, or for a large frame a shallow one under pandas' copy-on-write, with
    labels of its own. An array is a read-only view.
    """
    if _is(value, "pandas", "DataFrame", "Series"):
        if _bytes_of(value) <= _DEEP_UP_TO:
            return value.copy(deep=True)
        copy = value.copy(deep=False)
        # Copy-on-write protects the values, not the Index objects: `df.columns.name = …` would stay.
        copy.index = value.index.view()
        if _is(value, "pandas", "DataFrame"):
            copy.columns = value.columns.view()
        return copy
    if _is(value, "numpy", "ndarray"):
        view = value.view()
        view.flags.writeable = False
        return view
    if _is(value, "polars", "DataFrame", "Series", "LazyFrame"):
        return value.clone()
    if isinstance(value, tuple):
        items = [copy_for_plot(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


def lazy(value: Any) -> str | None:
    """Return the type of a query in the value that runs only when a plot uses it; None: there is none.

    Its fingerprint would be that of the plan, which stays when the data changes.
    """
    if isinstance(value, (dict, list, tuple)):
        items = value.values() if isinstance(value, dict) else value
        return next(filter(None, map(lazy, items)), None)
    for module, names in _LAZY.items():
        if _is(value, module, *names):
            return f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    if not isinstance(value, type) and callable(getattr(type(value), "__dask_graph__", None)):
        # xarray has the method too, and says None where all is in memory.
        return type(value).__name__ if value.__dask_graph__() is not None else None
    return None


_LAZY = {
    "polars": ("LazyFrame",),
    "duckdb": ("DuckDBPyRelation",),
    "pyarrow.dataset": ("Dataset", "Scanner"),
    "ibis.expr.types": ("Expr",),
}


def fingerprint(value: Any) -> str | None:
    """Return a hash of the data's content: equal content, equal hash. None: it cannot be told."""
    hashed = digest.hasher()
    try:
        _feed(hashed, value)
    except Exception:  # unhashable cells, unpicklable objects, circles: authors may return anything
        return None
    return hashed.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    digest.update(f"{type(value).__module__}.{type(value).__qualname__};".encode())
    if _is(value, "pandas", "DataFrame"):
        _feed_labels(digest, value.columns)
        _feed_labels(digest, value.index)
        _feed(digest, value.attrs)
        for position in range(value.shape[1]):
            _feed_column(digest, value.iloc[:, position])
    elif _is(value, "pandas", "Series"):
        _feed(digest, value.name)
        _feed_labels(digest, value.index)
        _feed_column(digest, value)
    elif _is(value, "pandas", "Index"):
        _feed_labels(digest, value)
    elif _is(value, "numpy", "ndarray") and type(value) is sys.modules["numpy"].ndarray:
        digest.update(f"{value.dtype.descr}{value.shape};".encode())
        if value.dtype.hasobject:
            _feed(digest, value.tolist())
        else:
            digest.update(value.tobytes())
    elif isinstance(value, dict):
        _feed(digest, list(value.items()))
    elif isinstance(value, (list, tuple)):
        digest.update(f"{len(value)};".encode())
        for item in value:
            _feed(digest, item)
    elif isinstance(value, (set, frozenset)):
        _feed(digest, sorted(fingerprint(item) or "" for item in value))
    else:
        # Only ever hashed, never loaded. Without the memo, which tells equal texts from identical ones.
        file = io.BytesIO()
        pickler = pickle.Pickler(file, protocol=5)
        pickler.fast = True
        pickler.dump(value)
        digest.update(file.getvalue())


def _feed_labels(digest: Any, index: Any) -> None:
    """Rows or columns: their names, types and labels."""
    _feed(digest, list(index.names))
    for level in range(index.nlevels):
        _feed_column(digest, index.get_level_values(level).to_series())


def _feed_column(digest: Any, column: Any) -> None:
    import pandas as pd

    digest.update(f"{column.dtype!r};".encode())
    if isinstance(column.dtype, pd.CategoricalDtype):
        _feed(digest, [list(column.dtype.categories), bool(column.dtype.ordered)])
    if _holds_objects(column.dtype):
        _feed(digest, column.tolist())  # pandas' hash does not tell 1 from "1"
    else:
        digest.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())


def _immutable(cell: Any) -> bool:
    if isinstance(cell, tuple):
        return all(map(_immutable, cell))
    return isinstance(cell, _IMMUTABLE) or _is(cell, "numpy", "generic") or _is(cell, "pandas", "Timedelta")


def _holds_objects(dtype: Any) -> bool:
    return bool(getattr(dtype, "kind", "") == "O" and dtype.name == "object")


def _bytes_of(frame: Any) -> int:
    usage = frame.memory_usage(deep=False)
    return int(usage if isinstance(usage, int) else usage.sum())


def _is(value: Any, module: str, *names: str) -> bool:
    """Whether `value` is an instance of one of the classes, without importing their module."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, tuple(getattr(loaded, name) for name in names))
