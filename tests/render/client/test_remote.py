"""The renderer that asks a render server, and a real render server behind it."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from plotroute import errors
from plotroute.model import DatasetRef, Job
from plotroute.render.client import remote
from plotroute.render.client.launch import render_environment
from plotroute.render.client.remote import Remote
from plotroute.render.frames import Channel, pack
from plotroute.render.system import limits
from plotroute.settings import Settings
from render.conformance import PLOTS, RendererConformance
from sketches import until

ODD = """
import time
from pathlib import Path
from plotroute import Plots

plots = Plots()

@plots.dataset
def numbers():
    return [1, 2, 3]

@plots.dataset
def slow_numbers():
    Path("began").touch()
    while not Path("go").exists():
        time.sleep(0.05)
    return [1, 2, 3]

@plots.plot
def line(ax, numbers, n: int = 0):
    ax.plot(numbers)
    ax.set_title(f"n = {n}")

@plots.plot
def waits(ax, numbers, n: int = 0):
    ax.plot([1, 2])
    with open("began", "a") as file:
        file.write(f"{n}\\n")
    while not Path("go").exists():
        time.sleep(0.05)
"""


class Server:
    """A render server on a file of plots, started as `plotroute serve` does, and one who asks it."""

    def __init__(self, source, **settings):
        self._temporary = tempfile.TemporaryDirectory(prefix="plotroute-test-")
        self.folder = Path(self._temporary.name)
        (self.folder / "plots.py").write_text(source)
        self.path = str(self.folder / "render.sock")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(128)
        self.settings = Settings(**{"render_processes": 2, **settings})
        self._log = (self.folder / "log.txt").open("w")
        self.start()
        self.remote = Remote(self.path, self.settings)

    @property
    def log(self):
        return (self.folder / "log.txt").read_text()

    def start(self):
        number = self._listener.fileno()
        configuration = {
            "targets": [str(self.folder / "plots.py")],
            "settings": asdict(self.settings),
            "directory": str(self.folder),
            "listener": number,
            "parent": os.getpid(),
            "development": False,
            "greeting": "",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plotroute.render.server"],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            pass_fds=[number],
            env=limits.one_thread_each() | render_environment(os.environ),
        )
        self.process.stdin.write(json.dumps(configuration).encode() + b"\n")
        self.process.stdin.close()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(60)
        connection.connect(self.path)
        return connection

    def close(self):
        self.remote.close()
        self.process.send_signal(signal.SIGUSR1)  # as the supervisor says stop
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        self._listener.close()
        self._log.close()
        self._temporary.cleanup()


@pytest.fixture(scope="module")
def conforming():
    server = Server(PLOTS)
    yield server
    server.close()


@pytest.fixture
def make_renderer(conforming):
    def make(source):
        assert source == PLOTS
        return conforming.remote

    return make


class TestRemote(RendererConformance):
    pass


@pytest.fixture(scope="module")
def odd_server():
    server = Server(ODD)
    yield server
    server.close()


@pytest.fixture
def odd(odd_server):
    """The server for odd plots, whatever another test has left of it."""
    for name in ("began", "go"):
        (odd_server.folder / name).unlink(missing_ok=True)
    yield odd_server
    (odd_server.folder / "go").touch()
    if odd_server.process.poll() is not None:
        odd_server.start()


def draw(renderer, plot="numbers/line", n=0, **job):
    return renderer.render(Job(plot=plot, values={"n": n}, code=renderer.manifest().code, **job))


def began(server):
    file = server.folder / "began"
    return file.read_text().split() if file.exists() else []


def test_many_threads_at_once_each_get_their_own_answer(odd):
    alone = [draw(odd.remote, n=n).body for n in range(8)]
    assert len(set(alone)) == 8
    with ThreadPoolExecutor(16) as readers:
        bodies = list(readers.map(lambda n: draw(odd.remote, n=n % 8).body, range(64)))
    assert bodies == [alone[n % 8] for n in range(64)]


def test_those_who_ask_for_the_same_at_the_same_time_have_it_drawn_once(odd):
    """From two web processes, say: within one, the pipeline sees to it."""
    other = Remote(odd.path, odd.settings)
    try:
        with ThreadPoolExecutor(4) as readers:
            drawing = [
                readers.submit(draw, renderer, "numbers/waits", 5, request_id=str(id))
                for id, renderer in enumerate([odd.remote, other] * 2)
            ]
            until(lambda: began(odd))
            # Whatever is asked later on the same connections is answered: so the four have been read.
            assert draw(odd.remote, n=1).body == draw(other, n=1).body
            (odd.folder / "go").touch()
            assert len({one.result().body for one in drawing}) == 1
    finally:
        other.close()
    assert began(odd) == ["5"]


def test_what_is_asked_while_another_drawing_takes_long_is_answered(odd):
    with ThreadPoolExecutor(1) as readers:
        slow = readers.submit(draw, odd.remote, "numbers/waits", 6)
        until(lambda: began(odd))
        for n in range(20, 25):
            assert draw(odd.remote, n=n).type == "image/png"
        assert not slow.done()
        (odd.folder / "go").touch()
        assert slow.result().type == "image/png"


# A server that goes away


def test_a_drawing_is_asked_for_again_when_the_server_comes_back(odd):
    with ThreadPoolExecutor(3) as readers:
        drawing = [readers.submit(draw, odd.remote, "numbers/waits", n) for n in (7, 8, 9)]
        until(lambda: began(odd))
        odd.kill()
        (odd.folder / "go").touch()
        odd.start()
        assert {one.result().type for one in drawing} == {"image/png"}


def test_a_version_is_asked_for_again_too(odd):
    with ThreadPoolExecutor(1) as readers:
        finding_out = readers.submit(odd.remote.versions, [DatasetRef("slow_numbers")])
        until((odd.folder / "began").exists)
        odd.kill()
        (odd.folder / "go").touch()
        odd.start()
        assert finding_out.result()["slow_numbers"].startswith("content:")


def test_a_server_that_goes_away_twice_is_a_clean_error(odd):
    with ThreadPoolExecutor(1) as readers:
        drawing = readers.submit(draw, odd.remote, "numbers/waits", 4)
        for times in (1, 2):
            until(lambda times=times: began(odd) == ["4"] * times)
            odd.kill()
            odd.start()
        with pytest.raises(errors.Draining) as caught:
            drawing.result()
    assert caught.value.status == 503
    assert int(caught.value.headers["Retry-After"]) > 0
    assert draw(odd.remote).type == "image/png"


def test_readers_of_a_server_that_is_killed_over_and_over_get_pictures_or_clean_errors(odd):
    done = threading.Event()
    strange = []

    def read(first):
        n = first
        while not done.is_set():
            try:
                assert draw(odd.remote, n=n).type == "image/png"
            except errors.Draining:
                pass
            except BaseException as error:
                strange.append(error)
                return
            n += 100

    with ThreadPoolExecutor(8) as readers:
        for first in range(8):
            readers.submit(read, first)
        try:
            for _ in range(3):
                assert odd.remote.versions([DatasetRef("numbers")])
                odd.kill()
                odd.start()
            assert draw(odd.remote).type == "image/png"
        finally:
            done.set()
    assert strange == []


def test_while_the_server_is_away_what_it_told_last_is_known(odd):
    code = odd.remote.manifest().code
    version = odd.remote.versions([DatasetRef("numbers")])
    # What is told to all may come after the answer to one.
    until(lambda: "numbers" in odd.remote._known)
    odd.kill()
    assert odd.remote.manifest().code == code
    assert odd.remote.versions([DatasetRef("numbers")]) == version
    with ThreadPoolExecutor(1) as readers:
        drawing = readers.submit(draw, odd.remote, n=40)
        odd.start()
        assert drawing.result().type == "image/png"


def test_where_nobody_listens(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "_START_TIMEOUT", 0.2)
    nobody = Remote(str(tmp_path / "nobody.sock"), Settings())
    try:
        assert not nobody.ready()
        for ask in (
            nobody.manifest,
            lambda: nobody.versions([DatasetRef("numbers")]),
            lambda: nobody.render(Job(plot="line", values={})),
        ):
            with pytest.raises(errors.Draining) as caught:
                ask()
            assert caught.value.status == 503
            assert int(caught.value.headers["Retry-After"]) > 0
    finally:
        nobody.close()


def test_a_server_that_cannot_be_started_is_tried_again(odd, tmp_path, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a short name for the socket
    tries = []

    def start():
        tries.append(1)
        if len(tries) < 4:
            raise errors.BadSetting("no place for a socket")
        os.symlink(odd.path, "s")

    other = Remote("s", odd.settings, start=start)
    try:
        assert draw(other).type == "image/png"
    finally:
        other.close()
    assert len(tries) == 4
    assert [record.getMessage() for record in caplog.records] == [
        "the render server cannot be started: no place for a socket"
    ]


def test_a_closed_one_says_so_and_lets_go_of_its_connection(odd):
    other = Remote(odd.path, odd.settings)
    assert other.manifest().plots
    other.close()
    with pytest.raises(errors.Draining):
        draw(other)
    until(lambda: not other.ready())
    assert draw(odd.remote).type == "image/png"


@pytest.mark.parametrize("garbage", ["GET / HTTP/1.1\r\n\r\n", "\0" * 100])
def test_a_server_that_talks_nonsense_is_left_and_asked_again(tmp_path, garbage):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(60)
        asking = Remote(path, Settings())
        try:
            for _ in range(3):
                connection, _ = listener.accept()
                with connection:
                    assert Channel(connection).receive()[0] == {"op": "hello"}
                    connection.sendall(garbage.encode())
                    assert connection.recv(1) == b""
        finally:
            asking.close()


# Clients that the server cannot count on


GARBAGE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "zeros": bytes(1000),
    "a wrong checksum": pack({"op": "hello"})[:-1] + b"!",
    "too long": b"plr1" + b"\xff" * 12,
    "no op": pack({}),
    "another op": pack({"op": "x", "id": 1}),
    "half a job": pack({"op": "render", "id": 1}),
    "a number for a dataset": pack({"op": "version", "id": 1, "ref": 5, "code": ""}),
    "a field too many": pack({"op": "hello", "id": 1}),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_a_client_that_sends_garbage_is_dropped_and_others_are_served(odd, garbage):
    pid = odd.process.pid
    with odd.connect() as connection:
        connection.sendall(garbage)
        assert connection.recv(1) == b""
    assert draw(odd.remote).type == "image/png"
    assert odd.process.poll() is None
    assert odd.process.pid == pid


def test_a_client_that_leaves_in_the_middle_harms_nobody(odd):
    whole = pack({"op": "version", "ref": {"name": "numbers"}, "code": "", "id": 1})
    for said in (b"", whole[:10], whole[:-1], whole, whole * 3):
        with odd.connect() as connection:
            connection.sendall(said)
    assert draw(odd.remote).type == "image/png"
    assert odd.process.poll() is None


def test_a_client_that_does_not_read_harms_nobody(odd):
    with odd.connect() as connection:
        ask = pack({"op": "version", "ref": {"name": "numbers"}, "code": "", "id": 1}) * 500
        connection.sendall(ask + pack({"op": "hello"}) * 500)
        for n in range(30, 35):
            assert draw(odd.remote, n=n).type == "image/png"
    assert draw(odd.remote).type == "image/png"


def test_signals_of_a_terminal_are_for_the_parent(odd):
    draw(odd.remote)  # one that has just been started is none yet
    odd.process.send_signal(signal.SIGINT)
    assert draw(odd.remote).type == "image/png"
    assert odd.process.poll() is None
