"""The libraries that data comes in: the table of their adapters, each imported when its library is there."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotroute.data.adapters.base import Adapter

TABLE: Mapping[str, str] = {
    "geopandas": "GeoPandas",  # before pandas: its frames are frames of pandas too
    "pandas": "Pandas",
    "numpy": "NumPy",
    "xarray": "XArray",
    "polars": "Polars",
    "pyarrow": "PyArrow",
    "duckdb": "DuckDB",
    "ibis": "Ibis",
}
"""Library → its adapter's class, in the module of this folder that is named after the library."""


def find(value: Any) -> Adapter:
    """Return the adapter of the library that `value` is from: of plain Python where no other owns it.

    A value can only be from a library that this process has imported, so no other is imported for it.
    """
    for library, name in TABLE.items():
        if sys.modules.get(library) is not None and (adapter := _adapter(library, name)).owns(value):
            return adapter
    return _adapter("python", "Python")


@functools.cache
def _adapter(module: str, name: str) -> Adapter:
    adapter: Adapter = getattr(import_module(f"{__name__}.{module}"), name)()
    return adapter
