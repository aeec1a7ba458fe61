"""Limit DuckDB, which runs inside the worker, to what a plot may use."""

from __future__ import annotations

import sys
from typing import Any

# The rest is for the data frame with the result, and its picture.
_SHARE_OF_MEMORY = 0.5


def cap_duckdb(memory: int) -> None:
    """Limit DuckDB to one thread and half of `memory` (bytes), if the author's code has imported it.

    By default it takes a thread for every processor and 80 % of the machine's memory, and the worker is ended
    before DuckDB would use the disk. Options that an author gives a connection win. Call it after the fork:
    it opens the default connection, which `duckdb.sql(…)` uses.
    """
    duckdb: Any = sys.modules.get("duckdb")
    if duckdb is None:
        return
    caps = {"threads": 1, "memory_limit": f"{int(memory * _SHARE_OF_MEMORY)}B"}
    connect = duckdb.connect

    def connect_capped(
        database: Any = ":memory:", read_only: bool = False, config: dict[str, Any] | None = None
    ) -> Any:
        return connect(database, read_only, {**caps, **(config or {})})

    duckdb.connect = connect_capped
    for name, value in caps.items():
        duckdb.execute(f"SET {name} = '{value}'")
