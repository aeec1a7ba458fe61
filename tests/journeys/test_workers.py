"""A Flask app with several web workers, each with its own memory: they agree about every picture."""

import http.client
import subprocess
import sys
import time

import pytest

from conftest import free_port
from sketches import until

APP = """
import os, time
import numpy as np
from flask import Flask
from plotroute import Plots

plots = Plots()

@plots.plot(ttl="1h")
def random_walk(ax, n: int = 0):
    ax.plot(np.random.default_rng().normal(size=50).cumsum())

@plots.plot(ttl="1h")
def says_when(ax, n: int = 0):
    ax.set_title(str(time.time_ns()))

@plots.plot(ttl="3s")
def for_a_moment(ax, n: int = 0):
    ax.set_title(str(time.time_ns()))

app = Flask(__name__)
plots.init_app(app)

@app.after_request
def say_who(response):
    response.headers["Worker"] = str(os.getpid())
    return response
"""


@pytest.fixture(scope="module")
def get(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workers")
    (folder / "shop.py").write_text(APP)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", "3", "--bind", f"127.0.0.1:{port}", "shop:app"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)

    def ask(path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            return reply.status, reply.headers["ETag"], reply.headers["Worker"], reply.read()
        finally:
            connection.close()

    def answers():
        try:
            return ask("/plots/random_walk?n=99")[0] == 200
        except OSError:
            return False

    try:
        until(answers)
        yield ask
    finally:
        process.terminate()
        process.wait(60)


def everyone(get, path):
    """Ask until at least two workers have answered, and each of those that have, twice."""
    seen = []
    deadline = time.monotonic() + 60
    while len({worker for _, _, worker, _ in seen}) < 2 or len(seen) < 12:
        assert time.monotonic() < deadline
        seen.append(get(path))
    assert {status for status, *_ in seen} == {200}
    return {(etag, body) for _, etag, _, body in seen}


@pytest.mark.parametrize("path", ["random_walk", "says_when", "random_walk.svg", "says_when?width=320"])
def test_all_workers_show_one_picture_until_its_time_is_over(get, path):
    assert len(everyone(get, f"/plots/{path}")) == 1


def test_when_its_time_is_over_there_is_a_new_one_for_all(get):
    first = get("/plots/for_a_moment")
    second = until(lambda: (new := get("/plots/for_a_moment"))[1] != first[1] and new)
    assert second[0] == 200
    assert second[3] != first[3]
