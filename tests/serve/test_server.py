"""`plotroute dev` and `plotroute serve` as real processes."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from werkzeug.test import Client

from conftest import end
from plotroute import Image
from plotroute.cache import open_storage
from plotroute.cache.base import Stored
from plotroute.render.local.in_thread import InProcess
from plotroute.serve.config import Service
from plotroute.serve.factory import make_app
from plotroute.settings import Settings
from sketches import stop_warming, until, warming

GOOD = """
from plotroute import Plots
plots = Plots()

@plots.plot
def first(ax):
    ax.set_title({title!r})
"""
PICTURE = Stored(Image(body=b"picture", type="image/png"), 'W/"1"', 1000.0, None, "first")
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


def page(server, path="/"):
    return server.get(path, Accept=HTML).body.decode()


@contextlib.contextmanager
def running(tmp_path, *arguments, **environment):
    """Run `plotroute …` in `tmp_path`; yield the process and a function that reads what it has said."""
    log = tmp_path / "said.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "plotroute", *arguments],
            cwd=tmp_path,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
    try:
        yield process, log.read_text
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def taken_port(port=0):
    """Listen on a port; yield its number. Somebody else's listening on it will do."""
    with socket.socket() as listener:
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen()
            port = listener.getsockname()[1]
        yield port


# dev: a saved file is live on the next request


@pytest.fixture(scope="module")
def dev(start_server, tmp_path_factory):
    """A server whose plots file the tests write: what another has left of it is gone with that."""
    folder = tmp_path_factory.mktemp("dev")
    (folder / "plots.py").write_text(GOOD.format(title="any"))
    server = start_server(str(folder / "plots.py"), command="dev")
    server.folder = folder
    return server


@pytest.fixture
def save(dev):
    """Write a file of that server's."""

    def save(source, name="plots.py"):
        (dev.folder / name).write_text(dedent(source))

    return save


def test_a_saved_file_is_live_on_the_next_request(dev, save):
    server = dev
    save(GOOD.format(title="one"))
    first = server.get("/plots/first")
    assert first.status == 200
    assert server.get("/plots/second").status == 404

    save(GOOD.format(title="two") + "@plots.plot\ndef second(ax): ax.set_title('second')\n")
    changed = server.get("/plots/first")
    assert changed.status == 200
    assert changed.body != first.body
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert server.get("/plots/second").status == 200
    assert "/plots/second" in page(server)

    save(GOOD.format(title="one"))
    assert server.get("/plots/first").body == first.body
    assert server.get("/plots/second").status == 404


def test_two_saves_in_a_row_are_both_seen(dev, save):
    bodies = []
    for title in "abcabc":  # all of one size, much faster than the clock of whole seconds
        save(GOOD.format(title=title))
        bodies.append(dev.get("/plots/first").body)
    assert bodies[:3] == bodies[3:]
    assert len(set(bodies)) == 3


def test_a_saved_helper_is_live_on_the_next_request(dev, save):
    save("TITLE = 'one'\n", "helper.py")
    save("one\n", "titles.csv")
    save("one\n", "titles.txt")
    save("""
        from helper import TITLE
        from plotroute import Plots
        plots = Plots()
        TITLES = [open(name).read() for name in ("titles.csv", "titles.txt")]
        @plots.plot
        def first(ax):
            ax.set_title(TITLE)
    """)
    before = dev.get("/plots/first").body
    save("TITLE = 'two'\n", "helper.py")
    assert dev.get("/plots/first").body != before
    save("TITLE = 'one'\n", "helper.py")
    assert dev.get("/plots/first").body == before
    # Authors are told once that a table is read there.
    assert dev.log.count("titles.csv is read when the plots' code is imported") == 1
    assert "titles.txt" not in dev.log


NO_VERSION = "This version does not load; the last good one keeps answering"
ONE_PLOT = "registration is wrong; the other plots answer"


@pytest.mark.parametrize(
    ("mistake", "banner", "place", "told"),
    [
        ("\n\ndef broken(:\n", NO_VERSION, "plots.py, line 10", "SyntaxError"),
        (
            "\n@plots.plot\ndef f(oders): ...\n",
            ONE_PLOT,
            "plots.py, line 9",
            "no dataset named &#39;oders&#39;",
        ),
        (
            "\n@plots.plot(examples={'n': 'x'})\ndef f(n: int): ...\n",
            ONE_PLOT,
            "plots.py, line 9",
            "example of &#39;n&#39;",
        ),
    ],
)
def test_a_mistake_shows_as_a_banner_while_the_good_plots_answer(dev, save, mistake, banner, place, told):
    server, said = dev, len(dev.log)
    good = GOOD.format(title="one")
    save(good)
    before = server.get("/plots/first").body
    assert "does not load" not in page(server)

    save(good + mistake)
    shown = page(server)
    assert banner in shown
    assert place in shown
    assert told in shown
    answer = server.get("/plots/first")
    assert (answer.status, answer.body) == (200, before)
    assert place in server.log[said:]

    save(good)
    fixed = page(server)
    assert NO_VERSION not in fixed
    assert ONE_PLOT not in fixed
    assert server.get("/plots/first").body == before


def test_a_plots_file_that_is_broken_from_the_start(write_plots, start_server):
    file = write_plots("\n1 / 0\n")
    server = start_server(str(file), command="dev")
    shown = page(server)
    assert "The plots file does not load" in shown
    assert "plots.py, line 2" in shown
    assert "ZeroDivisionError" in shown
    answer = server.get("/plots/first", Accept=HTML)
    assert answer.status == 500
    assert "plots.py, line 2: ZeroDivisionError: division by zero" in answer.body.decode()
    write_plots(GOOD.format(title="one"))
    assert server.get("/plots/first").status == 200
    assert "does not load" not in page(server)


# A plot that fails

BROKEN = """
from plotroute import Plots
plots = Plots()

def deep():
    secret_of_the_author = 1
    raise ValueError("told by the author")

@plots.plot
def broken(ax):
    deep()
"""


def test_dev_shows_the_traceback_of_a_plot(write_plots, start_server):
    server = start_server(str(write_plots(BROKEN)), command="dev")
    answer = server.get("/plots/broken", Accept=HTML)
    assert answer.status == 500
    assert answer.headers["Content-Type"].startswith("text/html")
    shown = answer.body.decode()
    assert "ValueError: told by the author" in shown
    assert re.search(r"plots\.py.{1,20}line 7", shown)
    assert "src/plotroute" not in shown
    assert server.get("/plots/broken").headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("headers", [{"Accept": HTML}, {"Accept": "*/*"}, {"Sec_Fetch_Dest": "image"}])
def test_serve_keeps_the_traceback_on_the_terminal(broken_server, headers):
    server, folder = broken_server
    answer = server.get("/plots/broken", X_Request_ID="id-of-the-test", **headers)
    assert answer.status == 500
    said = answer.body.decode() + str(answer.headers)
    for word in ("told by", "secret_of", "Traceback", "ValueError", "plots.py", str(folder), "site-packages"):
        assert word not in said
    for version in ("granian/", "werkzeug/", "python/", "matplotlib"):
        assert version not in said.lower()
    assert "id-of-the-test" in said
    told = server.log.split("id-of-the-test broken: ")[1]
    assert "ValueError: told by the author" in told
    assert 'plots.py", line 7' in told


@pytest.fixture(scope="module")
def broken_server(start_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    (folder / "plots.py").write_text(BROKEN)
    return start_server("plots.py", cwd=folder), folder


# Ports, hosts, signals


def test_dev_takes_the_next_port_when_the_usual_one_is_in_use(write_plots):
    folder = write_plots(GOOD.format(title="x")).parent
    with taken_port(5000), running(folder, "dev") as (_, said):
        ready = until(lambda: re.search(r"shows .* at http://127\.0\.0\.1:(\d+)/", said()))
        assert re.search(r"^Port 5000 is in use.*; using (\d+)\.", said(), re.M)[1] == ready[1] != "5000"
        with urllib.request.urlopen(f"http://127.0.0.1:{ready[1]}/plots/first", timeout=60) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("command", ["dev", "serve"])
def test_a_port_that_was_asked_for_is_not_replaced(write_plots, command):
    folder = write_plots(GOOD.format(title="x")).parent
    with taken_port() as port, running(folder, command, "--port", str(port)) as (process, said):
        assert process.wait(60) == 2
        assert f"Port {port} is in use; name another one with --port." in said()
        assert "Traceback" not in said()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_dev_is_for_this_machine_only(write_plots, host):
    folder = write_plots(GOOD.format(title="x")).parent
    with running(folder, "dev", "--host", host) as (process, said):
        assert process.wait(60) == 2
        assert "plotroute serve" in said()
        assert "Traceback" not in said()


def test_serve_listens_on_the_port_of_the_environment(write_plots):
    folder = write_plots(GOOD.format(title="x")).parent
    with taken_port() as port:
        pass
    with running(folder, "serve", PORT=str(port)) as (process, said):

        def answers():
            assert process.poll() is None, said()
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"http://127.0.0.1:{port}/plots/first", timeout=60).read()

        assert until(answers).startswith(b"\x89PNG")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_serve_ends_on_sigterm_while_a_plot_is_drawing(write_plots, start_server, tmp_path):
    file = write_plots("""
        import time
        from pathlib import Path
        from plotroute import Plots
        plots = Plots()
        @plots.plot
        def slow(ax):
            Path("began").touch()
            time.sleep(3600)
    """)
    server = start_server(str(file))

    def ask():
        with contextlib.suppress(Exception):
            server.get("/plots/slow")

    asking = threading.Thread(target=ask)
    asking.start()
    until((tmp_path / "began").exists)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    asking.join()


# What a server is made of


@pytest.fixture
def make_server(write_plots, process_state, monkeypatch):
    """Return a client of what `plotroute serve` or `dev` would serve, drawn in this process."""
    made = []

    class Kept(InProcess):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            made.append(self)

    monkeypatch.setattr("plotroute.render.local.in_thread.InProcess", Kept)

    def make(source, *, development=False, folder="", **settings):
        file = write_plots(source, folder + "plots.py")
        in_force = Settings(render_mode="inprocess", **settings)
        return Client(make_app(Service((str(file),), in_force, development=development)))

    monkeypatch.setattr("plotroute.pipeline.warmup._LOOK_EVERY", 0.01)
    yield make
    stop_warming(*made)
    end(made)


KEYED = """
from plotroute import Plots
plots = Plots()

@plots.plot(ttl="forever")
def first(ax, n: int = 1):
    with open("drawn.txt", "a") as file:
        file.write("first ")
    ax.set_title({title!r})
"""


def test_a_server_has_ready_answers_and_counts_them(make_server):
    client = make_server(KEYED.format(title="x"))
    for n in range(5):
        assert client.get("/plots/first", headers={"X-Request-ID": f"mine-{n}"}).status_code == 200
    until(lambda: 'outcome="hit",plot="first",status="200"} 4.0' in client.get("/metrics").text)


def test_in_development_a_saved_file_is_live_however_often_the_old_was_asked_for(make_server):
    client = make_server(KEYED.format(title="one"), development=True)
    before = [client.get("/plots/first").data for _ in range(4)]
    Path("plots.py").write_text(KEYED.format(title="two"))
    after = client.get("/plots/first").data
    assert len(set(before)) == 1
    assert after != before[0]


def test_what_is_to_be_drawn_ahead_is(make_server, caplog):
    caplog.set_level("INFO", "plotroute")
    client = make_server(KEYED.format(title="x"), warm="first?n=3 fist")
    until(lambda: "1 of 2 pictures are warm" in caplog.text)
    assert client.get("/plots/first?n=3").headers["Cache-Status"] == "plotroute; hit"
    assert "fist cannot be drawn ahead" in caplog.text
    assert Path("drawn.txt").read_text() == "first "


def test_in_development_nothing_is_drawn_ahead(make_server):
    make_server(KEYED.format(title="x"), development=True, warm="first")
    assert warming() == []


def test_without_a_directory_pictures_are_in_memory_alone(tmp_path):
    cache = open_storage(Settings()).cache
    cache.put("key", PICTURE)
    assert cache.get("key") == PICTURE
    assert not open_storage(Settings()).cache.get("key")
    assert list(tmp_path.iterdir()) == []


def test_with_a_directory_they_are_in_files_as_well(tmp_path):
    settings = Settings(cache_dir=str(tmp_path / "cache"))
    open_storage(settings).cache.put("key", PICTURE)
    assert until(lambda: open_storage(settings).cache.get("key")) == PICTURE


def test_the_directory_holds_what_it_may_and_no_more(tmp_path):
    settings = Settings(cache_dir=str(tmp_path / "cache"), cache_disk=2**20, cache_memory=0)
    cache = open_storage(settings).cache
    large = replace(PICTURE, image=replace(PICTURE.image, body=b"x" * 100_000))
    for n in range(30):
        cache.put(str(n), large)
        until(lambda n=n: any(open_storage(settings).cache.get(str(k)) for k in range(n, -1, -1)))
    until(lambda: cache.get("29"))
    assert sum(file.stat().st_size for file in (tmp_path / "cache").rglob("*") if file.is_file()) <= 2**20


def test_no_bytes_of_memory_and_a_directory_is_a_cache_on_disk_alone(tmp_path):
    settings = Settings(cache_dir=str(tmp_path / "cache"), cache_memory=0)
    cache = open_storage(settings).cache
    cache.put("key", PICTURE)
    assert until(lambda: cache.get("key")) == PICTURE


def test_a_directory_counts_from_where_the_server_was_started(make_server, tmp_path, monkeypatch):
    (tmp_path / "code").mkdir()
    monkeypatch.chdir(tmp_path)
    client = make_server(KEYED.format(title="x"), folder="code/", cache_dir="cache")
    assert client.get("/plots/first").status_code == 200
    until(lambda: [*tmp_path.rglob("pictures")])
    assert [folder.parent for folder in tmp_path.rglob("pictures")] == [tmp_path / "cache"]
