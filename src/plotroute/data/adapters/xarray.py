"""xarray: labelled arrays, which plots get unpickled anew."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import xarray as xr

from plotroute.data.adapters.base import Adapter, FeedInner


class XArray(Adapter):
    """Datasets and arrays. Not shareable: their copies share indexes and their parts refer to each other."""

    def owns(self, value: Any) -> bool:
        """Whether the value is a Dataset or a DataArray."""
        return isinstance(value, (xr.Dataset, xr.DataArray))

    def feed(self, hashed: blake2b, value: Any, inner: FeedInner) -> None:
        """Feed names, dimensions, attributes and values.

        What is still in a file is not read for it: it may be larger than the memory. Its pickle names it.
        """
        variables = dict(value.coords.variables)
        variables |= value.variables if isinstance(value, xr.Dataset) else {"": value.variable}
        if not all(map(_is_in_memory, variables.values())):
            super().feed(hashed, value, inner)
            return
        inner(hashed, [value.attrs, list(value.dims), list(value.coords), list(value.indexes)])
        inner(hashed, value.name if isinstance(value, xr.DataArray) else list(value.data_vars))
        for name, variable in variables.items():
            inner(hashed, [name, variable.dims, variable.attrs, variable.values])


def _is_in_memory(variable: Any) -> bool:
    # Labels always are, of several levels too. For others there is no public name.
    return isinstance(variable, xr.IndexVariable) or getattr(variable, "_in_memory", False)
