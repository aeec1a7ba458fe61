"""Polars: frames that plots share, since each change makes a new one, and lazy frames."""

from __future__ import annotations

import copy
from typing import Any

import polars as pl

from plotroute.data.adapters.base import Adapter, library_name


class Polars(Adapter):
    """Frames, series and lazy frames.

    The fingerprint is that of their pickle. It also tells what Polars knows of the order of a column, and
    what stands in the place of a null, so content that was made in another way may have another one: then
    its plots are drawn once more.
    """

    def owns(self, value: Any) -> bool:
        """Whether the value is a frame, a series or a lazy frame."""
        return isinstance(value, (pl.DataFrame, pl.Series, pl.LazyFrame))

    def is_shareable(self, value: Any) -> bool:
        """Whether the Python objects in its columns, if it has some, can be copied. All else is constant."""
        try:
            self.copy_for_plot(value)
        except Exception:  # code of any class runs here
            return False
        return True

    def copy_for_plot(self, value: Any) -> Any:
        """Return a clone, which shares the memory of all columns but those of Python objects."""
        if isinstance(value, pl.LazyFrame):
            return value.clone()
        if isinstance(value, pl.Series):
            return _copied(value) if value.dtype == pl.Object else value.clone()
        return value.with_columns(*(_copied(column) for column in value if column.dtype == pl.Object))

    def query_name(self, value: Any) -> str:
        """Return `polars.LazyFrame` for one: its content would be its plan."""
        return library_name(value) if isinstance(value, pl.LazyFrame) else ""


def _copied(column: Any) -> Any:
    """Return a column of Python objects with copies of them: Polars' own copies have the same ones."""
    return pl.Series(column.name, copy.deepcopy(column.to_list()), dtype=pl.Object)
