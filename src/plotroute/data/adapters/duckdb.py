"""DuckDB: relations, which are queries of a connection."""

from __future__ import annotations

from typing import Any

import duckdb

from plotroute.data.adapters.base import Adapter, library_name


class DuckDB(Adapter):
    """Relations: neither data nor anything that can be copied. Short: there is no more to say of them."""

    def owns(self, value: Any) -> bool:
        """Whether the value is a relation."""
        return isinstance(value, duckdb.DuckDBPyRelation)

    def query_name(self, value: Any) -> str:
        """Return the type of the relation."""
        return library_name(value)
