"""Clients that send slowly or not at all, or do not take what they are sent: others go on being answered."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from textwrap import dedent

import pytest

from conftest import Server, free_port
from sketches import until

PLOTS = """
from plotroute import Plots

plots = Plots()

@plots.plot(ttl="forever")
def line(ax, k: int = 0):
    ax.plot([1, 2, 3 + k])

@plots.plot(ttl="forever")
def noise(ax, k: int = 0):
    import numpy as np
    ax.imshow(np.random.default_rng(k).random((800, 800, 3)))
"""

LARGE = "/plots/noise?width=800&height=800"

APP = """
from flask import Flask
from plots import plots

app = Flask(__name__)
app.testing = True  # one process is enough: drawing is not what is asked here
plots.init_app(app, serve=("plots", "adhoc"))

@app.get("/healthz")
def healthz():
    return "ok"
"""


@pytest.fixture(scope="module", params=["serve", "an app under granian"])
def server(request, start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    (folder / "plots.py").write_text(dedent(PLOTS))
    if request.param == "serve":
        yield start_server("plots.py", cwd=folder, PLOTROUTE_BODY_TIMEOUT="1")
        return
    (folder / "shop.py").write_text(dedent(APP))
    port = free_port()
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "shop:app"],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PLOTROUTE_BODY_TIMEOUT": "1", "PYTHONPATH": str(folder)},
        )
    server = Server(process, port, folder / "log.txt")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if server.get("/healthz").status == 200:
                break
        time.sleep(0.05)
    yield server
    server.stop()


HEAD = b"POST /plot.png HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

SENDERS = {
    "a part of the body": (HEAD + b"Content-Length: 1000\r\n\r\n{", b""),
    "a byte now and then": (HEAD + b"Content-Length: 1000\r\n\r\n{", b" "),
    "a head only": (HEAD + b"Content-Length: 1000\r\n\r\n", b""),
    "a head that expects a 100": (HEAD + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n", b""),
    "a chunk without its end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", b""),
}


@pytest.mark.parametrize(("sent", "more"), SENDERS.values(), ids=SENDERS)
def test_others_are_answered_while_a_body_does_not_come_and_after_it_was_given_up(server, sent, more):
    golden = server.get("/plots/line").body
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.2) as sender:
        sender.sendall(sent)
        answer = b""
        while b"body_too_slow" not in answer:
            with contextlib.suppress(TimeoutError):
                data = sender.recv(65536)
                assert data, f"the connection was closed without an answer: {answer!r}"
                answer += data
            if more and b" 408 " not in answer:
                sender.sendall(more)
            assert server.get("/healthz").status == 200
            assert server.get("/plots/line").body == golden
        # The connection is still open here: this is when granian stopped.
        assert server.get("/healthz").status == 200
        drawn = server.get("/plots/line?k=1")
        assert drawn.status == 200
    assert b" 408 " in answer
    assert server.get("/plots/line").body == golden


def test_a_body_that_is_too_large_is_answered_however_it_was_sent(server):
    body = b'{"x": "' + b"1" * 3_000_000 + b'"}'
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sender:
        sender.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert sender.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.fixture(scope="module")
def small_server(start_server, tmp_path_factory):
    """A server that lets 20 MB be on its way: some fifteen large pictures."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "plots.py").write_text(dedent(PLOTS))
    settings = {"PLOTROUTE_CACHE_MEMORY": "20000000", "PLOTROUTE_MAX_OUTPUT": "10000000"}
    return start_server("plots.py", cwd=folder, **settings)


@pytest.mark.parametrize("address", [LARGE, f"{LARGE}&k=1", f"{LARGE}&theme=dark"])
def test_readers_who_take_nothing_keep_few_copies_and_others_get_their_pictures(small_server, address):
    golden = small_server.get(address)
    assert golden.status == 200
    assert len(golden.body) > 1_000_000
    line = small_server.get("/plots/line").body
    statuses = []
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            slow = stack.enter_context(socket.socket())
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            slow.connect(("127.0.0.1", small_server.port))
            slow.settimeout(30)
            slow.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            statuses.append(slow.recv(12))
        assert statuses[0] == b"HTTP/1.1 200"
        assert statuses.count(b"HTTP/1.1 200") <= 20_000_000 // len(golden.body)
        assert statuses[-1] == b"HTTP/1.1 503"
        assert small_server.get("/plots/line").body == line
    until(lambda: small_server.get(address).body == golden.body)  # when the kernel has seen them leave


def test_many_connections_that_send_nothing_keep_no_reader_out(small_server):
    line = small_server.get("/plots/line").body
    with contextlib.ExitStack() as stack:
        for _ in range(1500):
            stack.enter_context(socket.create_connection(("127.0.0.1", small_server.port)))
        assert small_server.get("/plots/line").body == line
