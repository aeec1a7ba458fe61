"""PyArrow: tables and arrays, which nothing can change, and datasets, which are queries."""

from __future__ import annotations

import sys
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from plotroute.data.adapters.base import Adapter, FeedInner, library_name


class PyArrow(Adapter):
    """Tables, batches, arrays, datasets and scanners."""

    def owns(self, value: Any) -> bool:
        """Whether the value is a table, or a part of one, or a query for one."""
        return isinstance(value, (pa.Table, pa.RecordBatch, pa.ChunkedArray, pa.Array)) or _is_query(value)

    def is_shareable(self, value: Any) -> bool:
        """Whether it is data: a query may hold a file open."""
        return not _is_query(value)

    def query_name(self, value: Any) -> str:
        """Return the type of a dataset or scanner: its content would be the names of its files."""
        return library_name(value) if _is_query(value) else ""

    def feed(self, hashed: blake2b, value: Any, inner: FeedInner) -> None:
        """Feed the schema, and each column as Arrow writes it to a stream.

        Not the pickle: that of a slice has all of the memory that it was cut from.
        """
        if _is_query(value):
            super().feed(hashed, value, inner)
            return
        table = _as_table(value)
        hashed.update(table.schema.serialize().to_pybytes())
        hashed.update(f"{table.num_rows};".encode())
        for column in table.columns:
            # One chunk, however many it was read in; as many as it takes where one cannot hold the texts.
            whole = column.combine_chunks()
            for chunk in whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]:
                hashed.update(pa.record_batch([chunk], names=[""]).serialize())


def _as_table(value: Any) -> pa.Table:
    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value])
    return value if isinstance(value, pa.Table) else pa.table([value], names=[""])


def _is_query(value: Any) -> bool:
    datasets = sys.modules.get("pyarrow.dataset")
    return datasets is not None and isinstance(value, (datasets.Dataset, datasets.Scanner))
