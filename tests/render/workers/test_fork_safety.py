"""What an import may leave behind where processes are forked afterwards, in fresh interpreters and real servers."""

import json
import os
import socket
import subprocess
import sys

import pytest

from conftest import free_port
from render.stage import Stage
from sketches import until

CHECK = """
import json, sys
from plotroute.errors import CannotLoad
from plotroute.render.workers.fork_safety import refuse_unforkable, sockets

before = sockets()
exec(sys.argv[1])
try:
    told = refuse_unforkable(before)
except CannotLoad as error:
    told = str(error)
print(json.dumps(told))
sys.stdout.flush()
import os
os._exit(0)
"""

CURES = ["init_app(app, factory=…)", 'os.environ.get("PLOTROUTE_ROLE") != "render"']


def left_behind(code):
    """Return what is said of code that is imported; None: nothing."""
    ran = subprocess.run(
        [sys.executable, "-c", CHECK, code],
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    return json.loads(ran.stdout)


WAITS = "import threading\nnever = threading.Event()\n"


THREADS = {
    "a function": (f"{WAITS}threading.Thread(target=never.wait, name='looks on').start()", "looks on, which runs threading.Event.wait"),
    "a daemon": (f"{WAITS}threading.Thread(target=never.wait, daemon=True).start()", "threading.Event.wait"),
    "a partial": (f"{WAITS}from functools import partial\nthreading.Thread(target=partial(never.wait, 600)).start()", "threading.Event.wait"),
    "a timer": (f"{WAITS}def report(): ...\nthreading.Timer(600, report).start()", "report)"),
    "a class": (f"{WAITS}class Poller(threading.Thread):\n    def run(self): never.wait()\nPoller().start()", "Poller.run)"),
    "a pool": ("from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)\npool.submit(print, file=sys.stderr)", "concurrent.futures.thread._worker"),
    "a queue's handler": ("import logging.handlers, queue\nlogging.handlers.QueueListener(queue.Queue()).start()", "QueueListener._monitor"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "named"), THREADS.values(), ids=THREADS)
def test_a_thread_is_named_with_what_it_runs(code, named):
    told = left_behind(code)
    assert named in told
    assert all(cure in told for cure in CURES)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_connection_is_named_by_its_peer(family):
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((host, 0), family=family) as server:
        address = server.getsockname()[:2]
        told = left_behind(f"import socket\nkept = socket.create_connection({address})")
    assert f"opens a connection (to {host} port {address[1]})" in told
    assert all(cure in told for cure in CURES)


def test_a_connection_to_a_unix_socket_is_named_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        server.listen()
        told = left_behind("import socket\nkept = socket.socket(socket.AF_UNIX)\nkept.connect('s')")
    assert "opens a connection (to s)" in told


def test_one_that_took_the_number_of_another_is_seen():
    with socket.create_server(("127.0.0.1", 0)) as server:
        told = left_behind(f"""
import os, socket
first = socket.create_connection({server.getsockname()})
before |= sockets()
os.dup2(socket.create_connection({server.getsockname()}).detach(), first.fileno())
""")
    assert "opens a connection" in told


def test_a_socket_that_listens_is_named():
    told = left_behind("import socket\nkept = socket.create_server(('127.0.0.1', 0))")
    assert "opens a connection (at 127.0.0.1 port " in told


HARMLESS = {
    "datagrams": "import socket\nkept = socket.socket(type=socket.SOCK_DGRAM)\nkept.connect(('127.0.0.1', 9))",
    "files": "kept = open(sys.executable, 'rb')",
    "a database in a file": "import sqlite3\nkept = sqlite3.connect(':memory:')",
    "a socket that is not used": "import socket\nkept = socket.socket()",
    "a loop that nothing runs": "import asyncio\nkept = asyncio.new_event_loop()",
    "a connection that was closed": "import socket\nwith socket.create_server(('127.0.0.1', 0)) as server: socket.create_connection(server.getsockname()).close()",
    "a thread that has ended": f"{WAITS}thread = threading.Thread(target=print, kwargs=dict(file=sys.stderr))\nthread.start(); thread.join()",
    "a pool with nothing to do": "from concurrent.futures import ThreadPoolExecutor\nkept = ThreadPoolExecutor(1)",
}  # fmt: skip


@pytest.mark.parametrize("code", HARMLESS.values(), ids=HARMLESS)
def test_what_a_fork_does_no_harm_to_is_allowed(code):
    assert left_behind(code) is None


@pytest.mark.parametrize(
    "library", ["numpy", "pandas", "pyarrow", "polars", "duckdb", "scipy.stats", "sqlalchemy"]
)
def test_libraries_are_allowed_their_threads(library):
    assert (
        left_behind(f"import {library}\nimport numpy\nnumpy.ones((500, 500)) @ numpy.ones((500, 500))")
        is None
    )


POOL = """
import ctypes, time
libc, thread = ctypes.CDLL(None), ctypes.c_ulong()
libc.pthread_create(ctypes.byref(thread), None, libc.pause, None)
libc.pthread_setname_np(thread, b"my-pool-0")
"""
NATIVE = {
    "Polars, reading": ("import polars\npolars.read_csv(b'a,b\\n1,2\\n3,4')", "polars-0"),
    "Polars, grouping": ("import polars\npolars.DataFrame({'a': [1, 2, 1]}).group_by('a').len()", "polars-0"),
    "Polars, a lazy query": ("import polars\npolars.LazyFrame({'a': [1]}).select('a').collect()", "polars-0"),
    "a pool of another library": (POOL, "my-pool-0"),
}


@pytest.mark.parametrize(("code", "named"), NATIVE.values(), ids=NATIVE)
def test_a_pool_of_a_library_is_named(code, named):
    told = left_behind(code)
    assert "has a library start threads" in told
    assert named in told
    assert "@plots.dataset" in told


def test_native_threads_that_were_there_before_are_no_business_of_the_import():
    ready = "from plotroute.render.workers.fork_safety import native_threads\n"
    check = "refuse_unforkable(before, native_threads())"
    program = CHECK.replace("refuse_unforkable(before)", check)
    ran = subprocess.run([sys.executable, "-c", program, ready + POOL], stdout=subprocess.PIPE, check=True)
    assert json.loads(ran.stdout) is None


# As those who start it are told

STARTS_A_THREAD = """
import threading
from plotroute import Plots

plots = Plots()
threading.Thread(target=threading.Event().wait, name="looks on", daemon=True).start()

@plots.plot
def line(ax):
    ax.plot([1, 2, 3])
"""
SAID = "Importing the plots starts a thread (looks on, which runs threading.Event.wait)"


def test_a_server_with_such_plots_does_not_start(write_plots, tmp_path):
    write_plots(STARTS_A_THREAD)
    ended = subprocess.run(
        [sys.executable, "-m", "plotroute", "serve", "--port", str(free_port())],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert SAID in ended.stderr


def test_dev_shows_it_and_goes_on_when_it_is_mended(write_plots, tmp_path, start_server):
    file = write_plots(STARTS_A_THREAD)
    server = start_server("plots.py", command="dev", cwd=tmp_path)
    page = server.get("/plots", Accept="text/html")
    assert "which runs threading.Event.wait" in page.body.decode()
    file.write_text(STARTS_A_THREAD.replace("threading.Thread(", "None and threading.Thread("))
    assert until(lambda: server.get("/plots/line").status == 200)


def test_beside_workers_whoever_asks_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        connects = f"import socket\nkept = socket.create_connection({server.getsockname()})\n"
        stage = Stage(connects + STARTS_A_THREAD.replace("threading.Thread(", "None and threading.Thread("))
        try:
            kind, problem = stage.worker()("draw()")
            assert kind == "problem"
            assert f"opens a connection (to 127.0.0.1 port {server.getsockname()[1]})" in problem
        finally:
            stage.end()
