"""Servers and apps for tests: a real server process, and the same app in this process."""

from __future__ import annotations

import compileall
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from urllib.parse import urlsplit

import matplotlib
import matplotlib.pyplot as plt
import pytest

import plotroute
from plotroute.cache.memory import in_memory
from plotroute.catalog import loader
from plotroute.pipeline import Pipeline
from plotroute.render.local.in_thread import InProcess
from plotroute.serve.config import BUILT_IN
from plotroute.settings import Settings
from plotroute.web.standalone.app import create_app

matplotlib.use("agg")

# pytest rewrites each file of tests for each of its processes, unless it may keep what it has written.
sys.dont_write_bytecode = False


# The files that take longest, in seconds of a processor: one of them begun last would leave the others' idle.
LONGEST = ["test_back_office", "test_concurrency", "test_matplotlib", "test_isolation", "test_scripts"]
LONGEST += ["test_docs", "test_plots", "test_supervisor", "test_views", "test_host", "test_browser"]


def pytest_sessionstart(session):
    """Compile plotroute once: where Python is told to write no bytecode, each of its processes would."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        compileall.compile_dir(Path(plotroute.__file__).parent, quiet=2)


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that no one process is still at it when the others have ended."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (places.get(item.path.stem, len(places)), "journeys" not in item.path.parts))


@pytest.fixture
def matplotlib_as_installed():
    """Begin with Matplotlib's own rcParams and Agg, whatever tests before have set."""
    matplotlib.use("agg")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield
    plt.close("all")


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Server:
    """A `plotroute` server process, and requests to it."""

    process: subprocess.Popen
    port: int
    log_file: Path
    replies: list[Reply] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def request(self, method: str, path: str, *, body: bytes | None = None, **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, **headers)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def start_server(tmp_path_factory):
    """Start `plotroute serve` (or `dev`) on targets, in the directory `cwd`, and wait until it answers.

    A server that a test starts ends with the test; a server that a fixture of a module starts ends with the module.
    """
    running: list[Server] = []

    def start(
        *targets: str, command: str = "serve", cwd: Path | None = None, arguments=(), **environment: str
    ):
        port = free_port()
        log_file = tmp_path_factory.mktemp("server") / "log.txt"
        with log_file.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "plotroute", command, *targets, "--port", str(port), *arguments],
                cwd=cwd,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        server = Server(process, port, log_file)
        running.append(server)
        deadline = time.monotonic() + 60
        while urlsplit(server.url) and time.monotonic() < deadline:
            try:
                if server.get("/healthz").status == 200:
                    return server
            except OSError:
                if process.poll() is not None:
                    break
                time.sleep(0.05)
        server.stop()
        raise AssertionError(f"the server did not start:\n{server.log}")

    start.running = running
    yield start
    for server in running:
        server.stop()


@pytest.fixture(autouse=True)
def _no_server_outlives_its_test(request):
    """End the servers that a test has started: each of them polls, whether it is asked or not."""
    running = (
        request.getfixturevalue("start_server").running if "start_server" in request.fixturenames else []
    )
    of_the_module = len(running)
    yield
    for server in running[of_the_module:]:
        server.process.terminate()  # `stop` waits for the end, when the module is done


@pytest.fixture
def write_plots(tmp_path):
    """Write a plots file into a folder of the test's own and return its path."""

    def write(source: str, name: str = "plots.py") -> Path:
        file = tmp_path / name
        file.write_text(dedent(source))
        return file

    return write


def forget_modules(before: dict[str, object]) -> None:
    """Forget the modules of plots files that were imported since; a second plotroute must not come of it."""
    for name in sys.modules.keys() - before.keys():
        module = sys.modules[name]
        place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
        if place.startswith(tempfile.gettempdir()):
            del sys.modules[name]


@pytest.fixture
def process_state():
    """Put back what loading plots changes in this process."""
    before = os.getcwd(), sys.path[:], dict(sys.modules), sys.meta_path[:], loader._author
    yield
    os.chdir(before[0])
    sys.path[:], sys.meta_path[:], loader._author = before[1], before[3], before[4]
    forget_modules(before[2])


def end(renderers):
    """Close renderers in this process: what they still draw must not go on beside the next test's."""
    for renderer in renderers:
        renderer.close()
        renderer._thread.shutdown()


@pytest.fixture
def make_client(write_plots, process_state):
    """Return a Flask test client for the text of a plots file; its pipeline is `client.pipeline`."""
    renderers = []

    def make(source: str, *, watch: bool = False, site: Path | None = None, **settings):
        file = write_plots(source)
        in_force = Settings(**settings)
        renderer = InProcess([str(file)], in_force, built_in=BUILT_IN, watch=watch)
        renderers.append(renderer)
        pipeline = Pipeline(renderer, in_memory(in_force.cache_memory), in_force)
        app = create_app(pipeline, in_force, site=site, development=watch)
        client = app.test_client()
        client.pipeline = pipeline
        return client

    yield make
    end(renderers)
