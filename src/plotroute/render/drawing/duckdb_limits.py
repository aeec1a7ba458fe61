"""Databases that run in the render process itself, held to what a plot may use."""

from __future__ import annotations

import sys
from typing import Any

# The rest is for the frame that the query becomes, and its picture.
_SHARE_OF_MEMORY = 0.5


def cap_duckdb(memory: int) -> None:
    """Hold DuckDB to one thread and half of `memory` (bytes), if the author's code has imported it.

    By itself it takes a thread for every processor and 80 % of the machine's memory, and is ended where it
    would have used the disk. What the author asks of a connection wins. Call it after the fork: it begins
    the default connection, which `duckdb.sql(…)` uses.
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
