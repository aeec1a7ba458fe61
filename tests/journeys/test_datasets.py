"""Data that is loaded once and given to many plots, whatever it is; and data that cannot be."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from sketches import until

PLOTS = """
import threading
import time

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.dataset
from plotroute import Plots, files

plots = Plots()


def note(name):
    with open("loads.txt", "a") as file:
        file.write(name + "\\n")


class Model:
    def __init__(self):
        self.heights = [3, 1, 2]


class Connection(Model):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


VALUES = {
    "model": Model,
    "settings": lambda: {"heights": [3, 1, 2], "nested": {"a": [1]}},
    "cells": lambda: pd.DataFrame({"heights": [3, 1, 2], "tags": [["a"], [], ["b"]]}),
    "masked": lambda: np.ma.masked_array([3, 1, 2], [False, True, False]),
    "function": lambda: {"heights": [3, 1, 2], "of": lambda x: x},
    "connection": Connection,
}


def heights_of(value):
    if isinstance(value, (Model, Connection)):
        return value.heights
    return value if isinstance(value, np.ma.MaskedArray) else value["heights"]


def about(name, **options):
    @plots.dataset(name, ttl="forever", **options)
    def load():
        note(name)
        return VALUES[name.removeprefix("shared_")]()

    def draw(ax, value, n):
        heights = heights_of(value)
        ax.bar(range(len(heights)), heights)
        ax.set_title(n)
        heights[0] = 99

    source = f"def {name}_plot(ax, {name}, n: int = 0):\\n    draw(ax, {name}, n)"
    scope = {"draw": draw}
    exec(source, scope)
    plots.plot(f"of/{name}")(scope[f"{name}_plot"])


for name in VALUES:
    about(name)


@plots.dataset("only_read", ttl="forever", shared=True)
def only_read():
    note("only_read")
    return Connection()


@plots.plot("of/only_read")
def reads(ax, only_read, n: int = 0):
    ax.bar(range(3), only_read.heights)
    ax.set_title(n)


def late(name, value):
    @plots.dataset(name, ttl="forever")
    def load():
        note(name)
        time.sleep(6)
        return value()

    source = f"def draw(ax, {name}, n: int = 0):\\n    ax.bar(range(3), {name}.heights)"
    scope = {}
    exec(source, scope)
    plots.plot(f"of/{name}")(scope["draw"])


late("late_model", Model)
late("late_connection", Connection)
late("page", Model)


def changes_all_the_time():
    return time.monotonic_ns()


@plots.dataset(version=changes_all_the_time, poll="1h")
def hurried():
    note("hurried")
    time.sleep(0.1)
    return [3, 1, 2]


@plots.plot("of/hurried")
def of_hurried(ax, hurried):
    ax.bar(range(3), hurried)


def query(name, value, **options):
    plots.dataset(name, **options)(value)
    scope = {}
    exec(f"def draw(ax, {name}):\\n    ax.bar(range(3), [3, 1, 2])", scope)
    plots.plot(f"of/{name}")(scope["draw"])


query("scan", lambda: pl.scan_csv("table.csv"))
query("parts", lambda: {"one": (pl.scan_csv("table.csv"),)})
query("relation", lambda: duckdb.sql("select 1 as a"))
query("folder", lambda: pyarrow.dataset.dataset("table.csv", format="csv"))
query("scan_of_version", lambda: pl.scan_csv("table.csv"), version=files("table.csv"))
query("scan_of_hour", lambda: pl.scan_csv("table.csv"), ttl="1h")
query("collected", lambda: pl.scan_csv("table.csv").collect())

plots.files("large", "large/*.parquet")
plots.files("one_column", "large/*.parquet", columns=["a"])


@plots.plot("of/large")
def of_large(ax, large):
    ax.plot([1, 2])


@plots.plot("of/one_column")
def of_one_column(ax, one_column):
    ax.set_title(len(one_column))


plots.files("named", "table.csv", columns=["b", "a"])


@plots.plot("of/named")
def of_named(ax, named):
    ax.set_title(",".join(named.columns))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("datasets")
    (folder / "plots.py").write_text(PLOTS)
    (folder / "table.csv").write_text("a,b,c\n1,2,3\n")
    (folder / "large").mkdir()
    zeros = np.zeros(4_000_000)
    pd.DataFrame(dict.fromkeys("abcdefghijklmnop", zeros)).to_parquet(folder / "large" / "one.parquet")
    return folder


@pytest.fixture(scope="module")
def server(start_server, folder):
    environment = {
        "PLOTROUTE_LOAD_TIMEOUT": "3",
        "PLOTROUTE_RENDER_PROCESSES": "2",
        "PLOTROUTE_RENDER_MEMORY": str(300 * 2**20),
    }
    return start_server("plots.py", cwd=folder, **environment)


@pytest.fixture
def loads(folder):
    def loads(name):
        file = folder / "loads.txt"
        return file.read_text().split().count(name) if file.exists() else 0

    return loads


@pytest.mark.parametrize("name", ["model", "settings", "cells", "masked", "function"])
def test_what_a_plot_may_change_is_loaded_once_and_copied(server, loads, name):
    first = server.get(f"/plots/of/{name}?n=1")
    assert first.status == 200
    for n in range(2, 6):
        assert server.get(f"/plots/of/{name}?n={n}").status == 200
    again = server.get(f"/plots/of/{name}?n=1&width=640&height=480&dpr=1").body

    assert loads(name) <= 2  # once in each process
    assert again == server.get(f"/plots/of/{name}?n=1&width=640&height=480").body
    assert first.body == server.get(f"/plots/of/{name}.png?n=1").body


def test_what_cannot_be_copied_is_loaded_for_each_picture_and_the_log_says_why(server, loads):
    bodies = {server.get(f"/plots/of/connection?n={n}&_={n}").body for n in (1, 1)}
    for n in range(2, 5):
        assert server.get(f"/plots/of/connection?n={n}").status == 200

    assert len(bodies) == 1
    assert loads("connection") == 4
    said = [line for line in server.log.splitlines() if "dataset connection is loaded again" in line]
    assert 1 <= len(said) <= 2  # once in each process
    assert "cannot pickle" in said[0]
    assert "shared=True" in said[0]


def test_what_plots_only_read_is_loaded_once_whatever_it_is(server, loads):
    for n in range(5):
        assert server.get(f"/plots/of/only_read?n={n}").status == 200
    assert loads("only_read") <= 2
    assert "dataset only_read is loaded again" not in server.log


@pytest.mark.parametrize("name", ["late_model", "late_connection"])
def test_a_load_that_takes_longer_than_a_request_waits_serves_those_that_come_next(server, loads, name):
    reply = server.get(f"/plots/of/{name}")
    assert (reply.status, b"dataset_loading" in reply.body) == (503, True)
    until(lambda: server.get(f"/plots/of/{name}").status == 200)
    assert loads(name) == 1


def test_a_page_of_pictures_waits_for_the_process_that_has_the_slow_data(server, loads):
    until(lambda: server.get("/plots/of/page").status == 200)
    with ThreadPoolExecutor(4) as readers:
        replies = list(readers.map(lambda n: server.get(f"/plots/of/page?n={n}"), range(10, 14)))
    assert [reply.status for reply in replies] == [200] * 4


def test_data_that_changes_faster_than_it_loads_is_loaded_once_per_poll(server, loads):
    first = server.get("/plots/of/hurried")
    assert first.status == 200
    again = server.get("/plots/of/hurried")
    assert again.headers["Cache-Status"].startswith("plotroute; hit")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert loads("hurried") == 1


@pytest.mark.parametrize("name", ["scan", "parts", "relation", "folder"])
def test_a_query_whose_version_nobody_knows_is_refused_with_the_cure(server, name):
    reply = server.get(f"/plots/of/{name}")
    assert (reply.status, b"plot_failed" in reply.body) == (500, True)
    until(lambda: f"Dataset {name} returns a query that has not been run" in server.log)


@pytest.mark.parametrize("name", ["scan_of_version", "scan_of_hour", "collected"])
def test_a_query_of_a_known_version_is_data(server, name):
    assert server.get(f"/plots/of/{name}").status == 200


def test_files_are_read_for_the_columns_that_are_named(server):
    svg = server.get("/plots/of/named.svg")
    assert b"<!-- b,a -->" in svg.body


def test_files_that_do_not_fit_are_told_with_their_size_and_the_cure(server):
    until(lambda: b"out_of_memory" in server.get("/plots/of/large").body)
    until(lambda: "matches 1 file(s) of" in server.log)
    said = next(line for line in server.log.splitlines() if "matches 1 file(s) of" in line)
    assert all(words in said for words in ("MiB in all", "columns=[...]", "PLOTROUTE_RENDER_MEMORY"))
    assert server.get("/plots/of/one_column").status == 200
