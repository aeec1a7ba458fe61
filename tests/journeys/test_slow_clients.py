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

PLOTS = """
from plotroute import Plots

plots = Plots()

@plots.plot(ttl="forever")
def line(ax, k: int = 0):
    ax.plot([1, 2, 3 + k])
"""

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
