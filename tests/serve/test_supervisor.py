"""The parent of a server's processes, as a real `plotroute serve` and its signals."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import free_port
from sketches import until

PLOTS = """
import time
from pathlib import Path
from plotroute import CannotDraw, Plots

plots = Plots()
WORDS = Path("words.txt").read_text()

@plots.dataset(ttl="forever")
def numbers():
    return [1, 2, 3]

@plots.plot
def line(ax, numbers, n: int = 0):
    ax.plot(numbers)

@plots.plot
def words(numbers, n: int = 0):
    raise CannotDraw(WORDS)

@plots.dataset(ttl="forever")
def late_numbers():
    Path("began").touch()
    time.sleep(50)

@plots.plot("late")
def late(ax, late_numbers):
    ax.plot(late_numbers)

@plots.plot
def slow(ax, numbers, seconds: float = 10):
    ax.plot([1, 2])
    Path("began").touch()
    time.sleep(seconds)
    Path("drawn").touch()
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    """Return id → command line of the processes that a process has started."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and alive(entry.name):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == pid:
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().decode()
    return found


def everyone_of(server):
    """Return the ids of a server's processes, whoever started them."""
    found = [server.process.pid]
    for pid in found:
        found += children(pid)
    return found


def render_server(server):
    """Return the id of a server's render server, if it has one now."""
    lines = children(server.process.pid)
    return next((pid for pid, line in lines.items() if "plotroute.render.server" in line), None)


@pytest.fixture
def folder(write_plots, tmp_path, tmp_path_factory):
    (tmp_path / "words.txt").write_text("first words")
    # The address of a socket has little room.
    (tmp_path / "temporary").symlink_to(tmp_path_factory.mktemp("t"))
    return write_plots(PLOTS).parent


@pytest.fixture
def serve(folder, start_server):
    """Start a server with a folder of its own for what is temporary."""

    def start(**environment):
        named = {
            "PLOTROUTE_RENDER_PROCESSES": "1",
            "TMPDIR": str((folder / "temporary").resolve()),
            **environment,
        }
        server = start_server("plots.py", cwd=folder, **named)
        assert server.get("/plots/numbers/line").status == 200
        return server

    return start


def temporary(folder):
    return sorted(entry.name for entry in (folder / "temporary").glob("plotroute-*"))


# What has ended is started again


def test_a_render_server_that_is_killed_comes_back_each_time(serve, folder):
    server = serve()
    names = temporary(folder)
    killed = []
    for n in (1, 2, 3):
        pid = until(lambda: render_server(server))
        assert pid not in killed
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)
        # Whoever asks now waits for the next one.
        assert server.get(f"/plots/numbers/line?n={n}").status == 200
    assert server.log.count("the render server ended (-9); starting it again") == 3
    assert len(re.findall("plotroute serves", server.log)) == 1
    assert temporary(folder) == names


def test_a_web_server_that_is_killed_comes_back(serve):
    server = serve()
    web = next(pid for pid, line in children(server.process.pid).items() if "plotroute.serve" in line)
    os.kill(web, signal.SIGKILL)
    until(lambda: "the web server ended (-9); starting it again" in server.log)

    def answers():
        with contextlib.suppress(OSError):
            return server.get("/plots/numbers/line").status == 200

    until(answers)
    assert server.process.poll() is None


def test_an_import_that_never_ends_ends_the_server_and_says_where_it_is(write_plots, tmp_path):
    write_plots("\nimport time\ntime.sleep(3600)\n")
    ended = subprocess.run(
        [sys.executable, "-m", "plotroute", "serve", "--import-timeout", "2", "--port", str(free_port())],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "plots.py took longer than 2 s (import_timeout)" in ended.stderr
    assert 'plots.py", line 3 in <module>' in ended.stderr


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("\n1 / 0\n", "plots.py, line 2: ZeroDivisionError: division by zero"),
        ("def broken(:\n", "SyntaxError"),
        ("from plotroute import Plots\nplots = Plots()\n@plots.plot\ndef f(oders): ...\n", "'oders'"),
        ("raise SystemExit(7)\n", "SystemExit"),
        ("import os\nos._exit(1)\n", "plots.py ended the process"),
    ],
)
def test_plots_that_do_not_load_end_the_server(write_plots, tmp_path, tmp_path_factory, source, told):
    write_plots(source)
    # The address of a socket has little room.
    (tmp_path / "temporary").symlink_to(tmp_path_factory.mktemp("t"))
    with (tmp_path / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "plotroute", "serve", "plots.py", "--port", str(free_port())],
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str((tmp_path / "temporary").resolve())},
        )
        try:
            assert process.wait(60) == 2
        finally:
            process.kill()
            process.wait()
    said = (tmp_path / "log.txt").read_text()
    assert told in said
    assert "plotroute serves" not in said
    assert "starting it again" not in said
    assert "src/plotroute" not in said
    assert temporary(tmp_path) == []


# Signals


def test_sighup_loads_the_code_anew(serve, folder):
    server = serve()
    assert b"first words" in server.get("/plots/numbers/words").body
    everyone = children(server.process.pid)
    (folder / "words.txt").write_text("second words")  # no file of code: nobody sees it by itself
    assert b"first words" in server.get("/plots/numbers/words?n=1").body
    server.process.send_signal(signal.SIGHUP)
    numbers = iter(range(2, 10_000))
    until(lambda: b"second words" in server.get(f"/plots/numbers/words?n={next(numbers)}").body)
    assert children(server.process.pid) == everyone


def test_sighup_keeps_the_last_good_version_where_the_new_one_does_not_load(serve, folder):
    server = serve()
    (folder / "words.txt").unlink()
    server.process.send_signal(signal.SIGHUP)
    until(lambda: "FileNotFoundError" in server.log)
    assert b"first words" in server.get("/plots/numbers/words").body
    (folder / "words.txt").write_text("third words")
    server.process.send_signal(signal.SIGHUP)
    numbers = iter(range(10_000))
    until(lambda: b"third words" in server.get(f"/plots/numbers/words?n={next(numbers)}").body)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_with_everything_it_started(serve, folder, number):
    server = serve()
    everyone = everyone_of(server)
    assert len(everyone) >= 5
    assert temporary(folder)
    server.process.send_signal(number)
    assert server.process.wait(60) == 0
    until(lambda: not any(map(alive, everyone)))
    assert temporary(folder) == []


def test_what_was_begun_is_drawn_though_every_process_is_told_to_stop_twice(serve, folder):
    """As service managers and Heroku do it."""
    server = serve()
    with ThreadPoolExecutor(1) as reader:
        drawing = reader.submit(server.get, "/plots/numbers/slow?seconds=3")
        until((folder / "began").exists)
        for _ in range(2):
            for pid in [server.process.pid, *everyone_of(server)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            time.sleep(0.2)  # two that come together count as one
        assert drawing.exception() is None, server.log
        assert drawing.result().status == 200
    assert server.process.wait(60) == 0
    assert "Traceback" not in server.log
    assert temporary(folder) == []


@pytest.mark.parametrize("waits", ["in a drawing", "for a turn", "for data"])
def test_what_does_not_end_in_time_is_told_that_the_server_stops(serve, folder, waits):
    limits = {
        "PLOTROUTE_RENDER_TIMEOUT": "60",
        "PLOTROUTE_LOAD_TIMEOUT": "60",
        "PLOTROUTE_QUEUE_TIMEOUT": "60",
    }
    server = serve(**limits, PLOTROUTE_DRAIN_TIMEOUT="3")
    busy = "/plots/late" if waits == "for data" else "/plots/numbers/slow?seconds=50"
    with ThreadPoolExecutor(2) as readers:
        asked = [readers.submit(server.get, busy)]
        until((folder / "began").exists)
        if waits == "for a turn":
            asked.append(readers.submit(server.get, "/plots/numbers/line?n=1"))
            time.sleep(0.5)  # it is on its way
        server.process.terminate()
        for reply in asked:
            assert reply.exception() is None, server.log
            assert (reply.result().status, json.loads(reply.result().body)["code"]) == (503, "draining")
            assert reply.result().headers["Retry-After"]
    assert server.process.wait(60) == 0
    assert "Traceback" not in server.log


def test_interrupted_twice_it_ends_at_once(serve, folder):
    """Told once it would let the drawing end."""
    server = serve(PLOTROUTE_RENDER_TIMEOUT="60")
    everyone = everyone_of(server)
    with ThreadPoolExecutor(1) as reader:
        drawing = reader.submit(server.get, "/plots/numbers/slow")
        until((folder / "began").exists)
        server.process.send_signal(signal.SIGINT)
        time.sleep(0.5)  # two that come together count as one
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 0
        assert drawing.exception() is not None
    until(lambda: not any(map(alive, everyone)))
    assert not (folder / "drawn").exists()
    assert temporary(folder) == []


def test_a_temporary_directory_too_deep_for_a_socket_is_said(write_plots, tmp_path):
    write_plots(PLOTS)
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "plotroute", "serve", "plots.py", "--port", str(free_port())],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(deep)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "set TMPDIR to a shorter one" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(deep.iterdir()) == []


# Temporary files that are cleared away


TEMPORARY = """
import tempfile

@plots.plot
def writes(ax, numbers, n: int = 0):
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("1")
    ax.plot(numbers)
"""


@pytest.mark.parametrize("then", ["nothing", "renderer", "render server", "web server"])
def test_pictures_go_on_when_the_temporary_files_are_cleared_away(folder, serve, then):
    (folder / "plots.py").write_text(PLOTS + TEMPORARY)
    server = serve(PLOTROUTE_CACHE_MEMORY="0")
    golden = server.get("/plots/numbers/line").body
    for name in temporary(folder):
        shutil.rmtree((folder / "temporary" / name).resolve())
    base = render_server(server)
    web = next(pid for pid, line in children(server.process.pid).items() if "plotroute.serve" in line)
    generation = next(iter(children(base)))
    killed = {"render server": base, "web server": web, "renderer": next(iter(children(generation)))}.get(
        then
    )
    if killed:
        os.kill(killed, signal.SIGKILL)
        until(lambda: not alive(killed))

    def answers():
        with contextlib.suppress(OSError):
            return server.get("/plots/numbers/writes").status == 200

    def shows_golden():
        # A web server that is killed may take connections with it for as long as it is being replaced.
        with contextlib.suppress(OSError):
            return server.get("/plots/numbers/line").body == golden

    until(answers)
    until(shows_golden)
    until(lambda: temporary(folder))
    assert {oct((folder / "temporary" / name).stat().st_mode)[-3:] for name in temporary(folder)} == {"700"}
