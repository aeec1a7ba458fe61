"""GeoPandas: frames of pandas whose geometry has a coordinate reference system."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import geopandas as gpd

from plotroute.data.adapters.base import FeedInner
from plotroute.data.adapters.pandas import Pandas


class GeoPandas(Pandas):
    """Frames and series with geometry."""

    def owns(self, value: Any) -> bool:
        """Whether the value is a GeoDataFrame or a GeoSeries."""
        return isinstance(value, (gpd.GeoDataFrame, gpd.GeoSeries))

    def copy_for_plot(self, value: Any) -> Any:
        """Return a copy as of pandas, whose geometry has a reference system of its own.

        `set_crs(inplace=True)` writes to the array of the geometry, which copy-on-write does not protect.
        """
        copy = super().copy_for_plot(value)
        if isinstance(value, gpd.GeoSeries):
            return gpd.GeoSeries(copy.array.copy(), copy.index, name=copy.name)
        for position, dtype in enumerate(value.dtypes):
            if dtype.name == "geometry":
                copy.isetitem(position, copy.iloc[:, position].array.copy())
        return copy

    def feed(self, hashed: blake2b, value: Any, inner: FeedInner) -> None:
        """Feed what a frame of pandas has, and how its coordinates are meant.

        Geometry as bytes: pandas' hash of it is Python's, which starts elsewhere in each process.
        """
        plain = value.to_wkb()
        super().feed(hashed, plain, inner)
        inner(hashed, value.attrs)
        if isinstance(value, gpd.GeoSeries):
            columns = [value]
        else:
            inner(hashed, value.active_geometry_name)
            columns = [value.iloc[:, n] for n, dtype in enumerate(value.dtypes) if dtype.name == "geometry"]
        inner(hashed, [column.crs.to_wkt() if column.crs else None for column in columns])
