"""Data that an app says has changed: every worker shows it before the answer to the change has left."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import Server, free_port
from sketches import until

SHOP = """
import contextlib
import sqlite3
import time
from pathlib import Path
from flask import Flask, request
from plotroute import Plots

plots = Plots()
DATABASE = Path(__file__).with_name("shop.db")

def query(sql, *values):
    # A database, because the files that Python opens are watched.
    with contextlib.closing(sqlite3.connect(DATABASE)) as connection, connection:
        return next(iter(connection.execute(sql, values)), [None])[0]

def text():
    return query("SELECT text FROM told")

def state():
    found = text()
    if Path("slow").exists():
        Path("reading").touch()
        while not Path("go").exists():
            time.sleep(0.02)
    return found

# Nothing but `changed` shows a change within the hour.
@plots.dataset(version=state, poll="1h")
def orders():
    return [text()]

@plots.dataset(version=lambda region: text(), poll="1h")
def regions(region: str):
    return [region, text()]

@plots.dataset
def content():
    return [text()]

@plots.dataset
def summary(orders):
    return [f"of {orders[0]}"]

def picture(rows):
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>{rows}</desc></svg>'.encode()

@plots.plot("a.svg")
def a(orders):
    return picture(orders)

@plots.plot("b.svg")
def b(regions):
    return picture(regions)

@plots.plot("c.svg")
def c(content):
    return picture(content)

@plots.plot("d.svg")
def d(summary):
    return picture(summary)

def create_app():
    app = Flask(__name__)
    plots.init_app(app)

    @app.post("/orders")
    def add():
        query("UPDATE told SET text = ?", request.args["text"])
        plots.changed(*request.args.getlist("changed"))
        return "done"

    app.add_url_rule("/ready", "ready", lambda: "yes")
    return app
"""

PICTURES = [
    "/plots/a.svg",
    "/plots/b.svg?region=EU",
    "/plots/b.svg?region=US",
    "/plots/c.svg",
    "/plots/d.svg",
]
ALL = "&changed=orders&changed=regions&changed=content"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The shop in three workers."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop.py").write_text(SHOP)
    with contextlib.closing(sqlite3.connect(folder / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE told AS SELECT 'nothing' AS text")
    port = free_port()
    # Room for the eight readers in each: more than wait at the start are told to come again.
    command = [sys.executable, "-m", "gunicorn", "-w", "3", "--threads", "16", "--no-control-socket"]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [*command, "-b", f"127.0.0.1:{port}", "shop:create_app()"],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PLOTROUTE_LOAD_TIMEOUT": "100", "PLOTROUTE_RENDER_PROCESSES": "2"},
        )
    server = Server(process, port, folder / "log.txt")
    server.folder = folder

    def answers():
        assert process.poll() is None, server.log
        with contextlib.suppress(OSError):
            return server.get("/ready").status == 200

    try:
        until(answers)
        yield server
    finally:
        (folder / "go").touch()
        server.stop()


def change(shop, text, changed=ALL):
    """Change the data, and have the app say so."""
    assert shop.request("POST", f"/orders?text={text}{changed}").body == b"done", shop.log


def shown(shop, times=1):
    """Return what each picture shows to as many readers at once; workers take turns."""
    with ThreadPoolExecutor(8) as readers:
        found = list(readers.map(lambda path: (path, shop.get(path).body.decode()), PICTURES * times))
    return {
        path: {body.partition("<desc>")[2].partition("<")[0] for p, body in found if p == path}
        for path in PICTURES
    }


def expected(text):
    return dict(
        zip(
            PICTURES,
            [
                {f"['{text}']"},
                {f"['EU', '{text}']"},
                {f"['US', '{text}']"},
                {f"['{text}']"},
                {f"['of {text}']"},
            ],
            strict=True,
        )
    )


def test_every_worker_shows_a_change_as_soon_as_the_change_is_answered(shop):
    change(shop, "first")
    assert shown(shop, 6) == expected("first")  # all workers know the versions by now
    for text in ("second", "third"):
        change(shop, text)
        assert shown(shop, 6) == expected(text)


def test_what_is_not_said_to_have_changed_stays(shop):
    change(shop, "whole")
    before = {path: shop.get(path).headers["ETag"] for path in PICTURES[1:4]}
    change(shop, "part", "&changed=orders")
    assert b"['part']" in shop.get("/plots/a.svg").body
    for path, etag in before.items():
        assert shop.get(path, If_None_Match=etag).status == 304


def test_a_version_that_was_being_read_before_the_change_is_not_believed(shop):
    change(shop, "old")
    (shop.folder / "slow").touch()
    with ThreadPoolExecutor(2) as readers:
        early = readers.submit(shop.get, "/plots/a.svg")
        until((shop.folder / "reading").exists)
        (shop.folder / "slow").unlink()
        change(shop, "new")
        late = readers.submit(shop.get, "/plots/a.svg")
        (shop.folder / "go").touch()
        assert b"new" in late.result().body
        assert early.result().status == 200
    assert shown(shop, 4) == expected("new")
