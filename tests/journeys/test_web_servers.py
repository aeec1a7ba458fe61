"""The web servers that people run Flask with, as they come: other views answer while plots hang.

No time is asserted. A plot hangs until the test has let it go, and a view has to answer before that.
"""

import contextlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import Server, free_port
from sketches import until

SHOP = """
import time
from pathlib import Path
from flask import Flask
from plotroute import Plots

plots = Plots()

@plots.plot("hangs", size=(90, 60))
def hangs(ax, n: int):
    ax.plot([1, 2])
    Path(f"hangs-{n}").touch()
    while not Path("go").exists():
        time.sleep(0.02)

@plots.plot("cold", size=(90, 60))
def cold(ax, n: int):
    time.sleep(0.2)
    ax.plot([n, 1])

def create_app():
    app = Flask(__name__)
    plots.init_app(app)
    app.add_url_rule("/other", "other", lambda: "another view")
    return app
"""

EVENTLET = """
import eventlet
{patch}
from eventlet import wsgi
from shop import create_app
wsgi.server(eventlet.listen(("127.0.0.1", {port})), create_app(), log_output=False)
"""

# The server's command, what it says at the start, and how many requests may wait in it.
COMMANDS = {
    "gunicorn": (
        ["-m", "gunicorn", "--no-control-socket", "-b", "127.0.0.1:{port}", "shop:create_app()"],
        "gunicorn's sync worker answers one request at a time: while a plot is drawn, other views of this "
        "process wait. Start gunicorn with --threads 32.",
        1,
    ),
    "gunicorn --threads 8": (
        [
            "-m",
            "gunicorn",
            "--threads=8",
            "--no-control-socket",
            "-b",
            "127.0.0.1:{port}",
            "shop:create_app()",
        ],
        "gunicorn's gthread worker has 8 threads: 7 requests may wait for plots at once",
        7,
    ),
    "waitress": (
        ["-m", "waitress", "--listen=127.0.0.1:{port}", "--call", "shop:create_app"],
        "waitress has 4 threads: 3 requests may wait for plots at once",
        3,
    ),
    "eventlet": (
        ["-c", EVENTLET.replace("{patch}", "")],
        "eventlet answers one request at a time: while a plot is drawn, other views of this process wait. Call "
        "eventlet.monkey_patch() before anything else is imported.",
        1,
    ),
    "eventlet, patched": (["-c", EVENTLET.replace("{patch}", "eventlet.monkey_patch()")], "", 100),
}

IMAGE = {"Accept": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"}


class Running(Server):
    """An app in a web server, and browsers."""

    def image(self, path):
        """Return what an <img> gets, which follows redirects; its address is the last one."""
        for _ in range(20):
            reply = self.get(path, **IMAGE)
            if reply.status != 307:
                break
            path = path.partition("?")[0] + reply.headers["Location"]
        return reply


@pytest.fixture(params=COMMANDS)
def server(request, tmp_path):
    """Each web server with the shop in it, and what is expected of it."""
    command, said, waiting = COMMANDS[request.param]
    port = free_port()
    (tmp_path / "shop.py").write_text(SHOP)
    log_file = tmp_path / "log.txt"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *(word.replace("{port}", str(port)) for word in command)],
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A busy machine is no failure; two, so that what hangs leaves none for the others.
            env={
                **os.environ,
                "PLOTROUTE_RENDER_PROCESSES": "2",
                "PLOTROUTE_RENDER_TIMEOUT": "100",
                "PLOTROUTE_QUEUE_TIMEOUT": "100",
            },
        )
    server = Running(process, port, log_file)
    server.said, server.waiting, server.folder = said, waiting, tmp_path

    def answers():
        assert process.poll() is None, server.log
        with contextlib.suppress(OSError):
            return server.get("/other").status == 200

    try:
        until(answers)
        yield server
    finally:
        (tmp_path / "go").touch()
        server.stop()
        render_servers_end(tmp_path)


def render_servers_end(folder):
    """End what the web server has started: it would stay for a while, in case that a worker comes back."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cwd").resolve() == folder and b"plotroute.render" in (
                entry / "cmdline"
            ).read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)


def test_other_views_answer_while_plots_hang_and_a_page_of_cold_plots_is_shown(server):
    with ThreadPoolExecutor(6) as browser:
        # Said at the start, before a plot is asked for.
        assert (server.said in server.log) if server.said else ("answers one" not in server.log), server.log
        # A page, which no more has been asked of before: the render server starts as well.
        page = list(browser.map(lambda n: server.image(f"/plots/cold?n={n}").status, range(10)))
        assert page == [200] * 10, server.log
        assert server.log.count(": while a plot is drawn, other views") <= 1  # said once

        hanging = [browser.submit(server.image, f"/plots/hangs?n={n}") for n in range(2)]
        until(lambda: all((server.folder / f"hangs-{n}").exists() for n in range(2)))
        for _ in range(5):
            assert server.get("/other").body == b"another view"
        assert not any(one.done() for one in hanging)
        (server.folder / "go").touch()
        assert [one.result().status for one in hanging] == [200, 200]

    if server.waiting > 1:  # a program that asks would hold the only thread, as the log has said
        programs_that_ask_for_more_than_there_are_threads_are_told_when_to_come_again(server)


def programs_that_ask_for_more_than_there_are_threads_are_told_when_to_come_again(server):
    (server.folder / "go").unlink()
    more = min(server.waiting + 3, 12)
    with ThreadPoolExecutor(more) as programs:
        asked = [programs.submit(server.get, f"/plots/hangs?n={n}") for n in range(10, 10 + more)]
        refused = max(0, more - server.waiting)
        until(lambda: sum(one.done() for one in asked) >= refused)
        assert server.get("/other").body == b"another view"
        told = [one.result() for one in asked if one.done()]
        assert [(reply.status, reply.headers["Retry-After"]) for reply in told] == [(503, "2")] * refused
        (server.folder / "go").touch()
        assert sum(one.result().status == 200 for one in asked) == more - refused
