"""A saved version of the code takes over when it can draw, and not before: a real server and saved files."""

import time

import pytest

from sketches import until

GOOD = """
from plotroute import CannotDraw, Plots
plots = Plots()

@plots.plot(ttl="forever")
def line(ax, n: int = 0):
    ax.plot([1, 3, 2])

@plots.plot(ttl="forever")
def version(n: int = 0):
    raise CannotDraw("this is version WHICH")
"""

CANNOT_FORK = {
    "a hook that ends the child": "import os\nos.register_at_fork(after_in_child=lambda: os._exit(7))",
    "a hook that ends the parent": "import os\nos.register_at_fork(before=lambda: os._exit(7))",
    "a hook that hangs": "import os, time\nos.register_at_fork(after_in_child=lambda: time.sleep(600))",
    "no fork": "import os\nos.fork = None",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory, start_server):
    folder = tmp_path_factory.mktemp("saved")
    (folder / "plots.py").write_text(GOOD.replace("WHICH", "0."))
    server = start_server(
        "plots.py",
        cwd=folder,
        PLOTROUTE_RENDER_PROCESSES="1",
        PLOTROUTE_IMPORT_TIMEOUT="3",
        PLOTROUTE_CACHE_MEMORY="0",
    )
    server.folder = folder
    return server


def shown(server):
    """Return which version of the code answers."""
    reply = server.get(f"/plots/version?n={time.monotonic_ns() % 10**9}")
    return reply.body.decode().partition("this is version ")[2].partition(".")[0]


@pytest.mark.parametrize("what", CANNOT_FORK)
def test_a_version_that_cannot_be_forked_leaves_the_last_good_one(server, what):
    good = f"good {time.monotonic_ns()}"
    (server.folder / "plots.py").write_text(GOOD.replace("WHICH", f"{good}."))
    until(lambda: shown(server) == good)
    golden = server.get("/plots/line").body
    said = len(server.log)
    (server.folder / "plots.py").write_text(f"{CANNOT_FORK[what]}\n{GOOD.replace('WHICH', 'bad.')}")
    until(lambda: "forked" in server.log[said:] or "gets ready to draw" in server.log[said:])
    assert shown(server) == good
    assert server.get("/plots/line").body == golden
    better = f"better {time.monotonic_ns()}"
    (server.folder / "plots.py").write_text(GOOD.replace("WHICH", f"{better}."))
    until(lambda: shown(server) == better)
    assert server.get("/plots/line").body == golden


@pytest.mark.parametrize(
    "line", ["sys.stdout = None", "sys.stderr = sys.stdout = object()", "sys.stdout.close()"]
)
def test_a_version_without_a_standard_output_draws_all_the_same(server, line):
    name = f"silent {time.monotonic_ns()}"
    golden = server.get("/plots/line").body
    (server.folder / "plots.py").write_text(f"import sys\n{line}\n{GOOD.replace('WHICH', f'{name}.')}")
    until(lambda: shown(server) == name)
    assert server.get("/plots/line").body == golden
