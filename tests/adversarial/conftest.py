"""The server that cases share, and the pictures that plots give without one."""

import os
import subprocess
import sys

import pytest

from adversarial.servers import PLOTS, Server, launch

GOLDENS = {
    "GET /sine.png": ("sine", {}),
    "GET /sine.png?freq=2": ("sine", {"freq": 2.0}),
    "GET /sine.png?freq=3": ("sine", {"freq": 3.0}),
    "GET /formula.png": ("formula", {}),
}

# A script as everybody writes it: import, call, savefig. Plotroute's decorators return functions unchanged.
_ALONE = """
import sys
import matplotlib
matplotlib.use("agg")
import plain
name, arguments, file = sys.argv[1:]
getattr(plain, name)(**eval(arguments)).savefig(file, backend="module://plotroute.encode.agg")
"""


@pytest.fixture(scope="session")
def goldens(tmp_path_factory):
    """Each picture by itself, from an interpreter of its own."""
    pictures = {}
    for request, (name, arguments) in GOLDENS.items():
        file = tmp_path_factory.mktemp("golden") / "picture.png"
        command = [sys.executable, "-c", _ALONE, name, repr(arguments), str(file)]
        environment = {**os.environ, "ADVERSARIAL_NOTES": os.devnull}
        subprocess.run(command, cwd=PLOTS, check=True, capture_output=True, env=environment)
        pictures[request] = file.read_bytes()
    return pictures


class Shared:
    """One server for many cases; after a case that went wrong the next one gets another."""

    def __init__(self) -> None:
        self._server: Server | None = None

    def get(self) -> Server:
        if self._server is None:
            self._server = launch()
            self._server.await_ready()
            self._server.warm_up()
        return self._server

    def drop(self) -> None:
        if self._server is not None:
            self._server.kill()
            self._server = None


@pytest.fixture(scope="session")
def shared():
    shared = Shared()
    yield shared
    shared.drop()
