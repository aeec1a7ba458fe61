"""DuckDB in a render process: held to one thread and half of the memory, whichever way it is asked."""

import re

PLOTS = """
import duckdb
from plotroute import Plots
plots = Plots()
ASKED = "select current_setting('threads') || ' ' || current_setting('memory_limit')"

@plots.plot("/shared.svg", ttl="forever")
def shared(ax):
    ax.set_title(duckdb.sql(ASKED).fetchall()[0][0])

@plots.plot("/own.svg", ttl="forever")
def own(ax):
    with duckdb.connect() as connection:
        ax.set_title(connection.sql(ASKED).fetchall()[0][0])

@plots.plot("/asked.svg", ttl="forever")
def asked(ax):
    with duckdb.connect(config={"threads": 2}) as connection:
        ax.set_title(connection.sql(ASKED).fetchall()[0][0])
"""


def titles(reply):
    """The texts of the picture, which Matplotlib writes beside the paths of their letters."""
    assert reply.status == 200, reply.body
    return re.findall(r"<!-- (.*?) -->", reply.body.decode())


def test_duckdb_has_one_thread_and_half_of_the_memory(write_plots, tmp_path, start_server):
    write_plots(PLOTS)
    server = start_server(
        "plots.py", cwd=tmp_path, arguments=["--render-memory", str(512 * 2**20), "--render-processes", "1"]
    )
    assert "1 256.0 MiB" in titles(server.get("/shared.svg"))
    assert "1 256.0 MiB" in titles(server.get("/own.svg"))
    assert "2 256.0 MiB" in titles(server.get("/asked.svg"))
