"""Libraries whose values are queries only: DuckDB, and whatever follows Dask's protocol."""

import duckdb

from data.adapters.conformance import AdapterConformance
from plotroute.data.fingerprint import unrun_query
from plotroute.data.sharing import Copies


class Graph:
    """A collection of Dask's, as its protocol defines one."""

    def __dask_graph__(self):
        return {}


class InMemory:
    def __dask_graph__(self):
        return None


class TestDuckDB(AdapterConformance):
    adapter = "DuckDB"
    queries = {"relation": lambda: duckdb.sql("select 1 as n")}


class TestDask(AdapterConformance):
    adapter = "Python"
    queries = {"collection": Graph}


def test_what_has_dasks_protocol_but_no_graph_is_data():
    assert unrun_query(InMemory()) is None
    assert unrun_query(Graph) is None  # the class, not a collection


def test_a_relation_is_for_one_drawing_only():
    assert "cannot be pickled" in Copies(duckdb.sql("select 1 as n")).why
