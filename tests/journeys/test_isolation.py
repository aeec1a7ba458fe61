"""Nothing that a plot does can hurt anyone: hangs, crashes, kills, reloads, a herd of cold pictures."""

import itertools
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

PLOTS = """
import ctypes
import os
import time
import numpy as np
from plotroute import Plots

plots = Plots()

@plots.dataset(ttl="forever")
def numbers():
    return np.arange(10.0)

@plots.plot
def line(ax, numbers, n: int = 0, again: int = 0):
    ax.plot(numbers + n)

@plots.plot(ttl="forever", timeout=3)
def hangs(ax, n: int = 0):
    # A loop inside Agg that no Python signal handler interrupts.
    ax.plot([0, 1], [0, 1], ls=":", lw=1e-9)

@plots.plot(ttl="forever")
def crashes(ax, how="exit", n: int = 0):
    if how == "exit":
        os._exit(3)
    ctypes.string_at(0)

@plots.plot(ttl="forever")
def slow(ax, seconds: float = 0.2, n: int = 0):
    time.sleep(seconds)
    ax.plot([n])

@plots.plot(ttl="forever")
def slower(ax):
    time.sleep(1.5)
    ax.plot([1])
"""


TALKS = """
from plotroute import Plots
plots = Plots()

@plots.plot
def talks(ax, n: int = 0):
    ax.plot([1, 2])
    for number in range(1000):
        print(f"line {number} of {n}")

@plots.plot
def opens(ax, n: int = 0):
    ax.set_title(str(len([open("plots.py") for _ in range(n)])))

@plots.plot
def writes(ax, n: int = 0):
    ax.plot([1, 2])
    with open("written", "wb") as file:
        file.write(bytes(n))
"""

LEAKS = """
import numpy as np
from plotroute import Plots
plots = Plots()
kept = []

@plots.plot
def leaks(ax, n: int = 0):
    kept.append(bytearray(b"x") * 8 * 2**20)  # written, not only reserved
    ax.plot([n])

@plots.dataset(ttl="forever")
def large():
    return np.ones(60 * 2**17)

@plots.plot
def of_large(ax, large, n: int = 0):
    ax.plot([n])
"""


def processes(root):
    """Return the ids of a process and of everything below it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.name)] = int(fields[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def wait_until(condition, patience=30.0):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def folder(write_plots):
    return write_plots(PLOTS).parent


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    """A server for tests after which it must be what it was before."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "plots.py").write_text(PLOTS)
    return start_server("plots.py", cwd=folder, PLOTROUTE_RENDER_PROCESSES="2")


numbers = itertools.count(100)  # pictures that no other test has asked for


def test_while_every_render_process_hangs_what_is_known_is_answered(server):
    golden = server.get("/plots/numbers/line")
    with ThreadPoolExecutor(4) as readers:
        hanging = [readers.submit(server.get, f"/plots/hangs?n={n}") for n in range(4)]
        time.sleep(1)
        while not any(reader.done() for reader in hanging):
            assert server.get("/plots/numbers/line").body == golden.body
            etag = golden.headers["ETag"]
            assert server.get("/plots/numbers/line", If_None_Match=etag).status == 304
            assert server.get("/healthz").status == 200
            assert server.get("/").status == 200
            time.sleep(0.05)
    assert {reader.result().status for reader in hanging} == {504}
    assert server.get(f"/plots/numbers/line?n={next(numbers)}").status == 200


@pytest.mark.parametrize("how", ["exit", "segv"])
def test_a_crash_is_one_clear_error_and_the_next_picture_is_right(server, how):
    said = len(server.log)
    golden = server.get("/plots/numbers/line").body
    for n in range(5):
        reply = server.get(f"/plots/crashes?how={how}&n={n}")
        assert (reply.status, b"plot_crashed" in reply.body) == (500, True)
        assert server.get(f"/plots/numbers/line?again={next(numbers)}").body == golden
    assert ("SIGSEGV" in server.log[said:]) == (how == "segv")


def test_a_page_of_forty_cold_pictures_shows_forty_pictures(folder, start_server):
    # On a busy machine forty drawings take longer than the ten seconds that requests wait by default.
    server = start_server(
        "plots.py", cwd=folder, PLOTROUTE_RENDER_PROCESSES="2", PLOTROUTE_QUEUE_TIMEOUT="60"
    )
    with ThreadPoolExecutor(40) as readers:
        replies = list(readers.map(lambda n: server.get(f"/plots/slow?n={n}"), range(40)))
    assert [reply.status for reply in replies] == [200] * 40
    assert len({reply.body for reply in replies}) == 40


def test_twenty_saves_during_two_thousand_requests_fail_none(folder, start_server):
    server = start_server("plots.py", cwd=folder, PLOTROUTE_RENDER_PROCESSES="2")
    server.get("/plots/numbers/line")

    def ask(number):
        return server.get(f"/plots/numbers/line?n={number % 40}").status

    with ThreadPoolExecutor(4) as readers:
        asked = [readers.submit(ask, number) for number in range(2000)]
        for save in range(20):
            broken = "def (:" if save == 10 else ""
            (folder / "plots.py").write_text(f"{PLOTS}\n# {save}\n{broken}\n")
            time.sleep(0.3)
        statuses = [request.result() for request in asked]
    assert set(statuses) == {200}
    assert wait_until(lambda: server.get("/plots/numbers/line?n=1").status == 200)


def test_a_herd_on_one_cold_picture_is_one_drawing(server):
    with ThreadPoolExecutor(50) as readers:
        replies = list(readers.map(lambda _: server.get("/plots/slower"), range(50)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert sum("uri-miss; stored" in reply.headers["Cache-Status"] for reply in replies) == 1


def depths(server):
    """Return name → id of one process of each kind."""
    everyone = processes(server.process.pid)
    lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in everyone}
    below = {
        pid: int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in everyone
    }
    base = next(
        pid for pid in everyone if b"render.server" in lines[pid] and below[pid] == server.process.pid
    )
    generation = next(pid for pid in everyone if below[pid] == base)
    return {
        "supervisor": server.process.pid,
        "web": next(pid for pid in everyone if b"plotroute.serve" in lines[pid]),
        "base": base,
        "generation": generation,
        "renderer": next(pid for pid in everyone if below[pid] == generation),
    }


def test_killing_any_process_leaves_no_orphan_and_no_stuck_restart(folder, start_server):
    server = start_server("plots.py", cwd=folder, PLOTROUTE_RENDER_PROCESSES="2", PLOTROUTE_CACHE_MEMORY="0")
    golden = server.get("/plots/numbers/line").body
    everyone = processes(server.process.pid)
    number = len(everyone)

    def answers():
        try:
            return server.get("/plots/numbers/line").body == golden
        except OSError:
            return False

    for depth in random.sample(["web", "base", "generation", "renderer"], 4):
        victim = depths(server)[depth]
        os.kill(victim, signal.SIGKILL)
        assert wait_until(
            lambda victim=victim: not alive(victim) and len(processes(server.process.pid)) == number
        ), depth
        assert wait_until(answers), depth
        everyone |= processes(server.process.pid)
    server.stop()
    assert wait_until(lambda: not any(map(alive, everyone)))


def test_killing_the_supervisor_leaves_no_orphan(folder, start_server):
    server = start_server("plots.py", cwd=folder, PLOTROUTE_RENDER_PROCESSES="2")
    assert server.get("/plots/numbers/line").status == 200
    everyone = processes(server.process.pid)
    assert set(depths(server).values()) <= everyone
    server.process.kill()
    server.process.wait()
    assert wait_until(lambda: not any(map(alive, everyone)))


def test_sigterm_lets_a_drawing_end(folder, start_server):
    server = start_server("plots.py", cwd=folder, PLOTROUTE_RENDER_PROCESSES="2")
    with ThreadPoolExecutor(1) as reader:
        drawing = reader.submit(server.get, "/plots/slow?seconds=2")
        time.sleep(0.7)
        server.process.terminate()
        assert drawing.result().status == 200
    assert server.process.wait(30) == 0


@pytest.fixture
def leaking(tmp_path, start_server):
    (tmp_path / "plots.py").write_text(LEAKS)
    arguments = ["--render-processes", "1", "--render-memory", str(160 * 2**20)]
    return start_server("plots.py", cwd=tmp_path, arguments=arguments)


def test_what_earlier_pictures_left_never_costs_a_later_one(leaking):
    """30 pictures that keep 8 MB each, where 160 MB are allowed."""
    assert {leaking.get(f"/plots/leaks?n={n}").status for n in range(30)} == {200}
    assert "is replaced: it keeps half of the memory that pictures have" in leaking.log


def test_a_process_is_not_replaced_for_the_data_it_has_loaded(leaking):
    assert {leaking.get(f"/plots/large/of_large?n={n}").status for n in range(6)} == {200}
    assert "is replaced" not in leaking.log


def test_what_plots_print_open_and_write_is_limited_and_the_next_one_begins_anew(tmp_path, start_server):
    (tmp_path / "plots.py").write_text(TALKS)
    limits = {"PRINTS": 2000, "FILES": 100, "WRITES": 2**20}
    named = {f"PLOTROUTE_RENDER_{name}": str(most) for name, most in limits.items()}
    server = start_server("plots.py", cwd=tmp_path, PLOTROUTE_RENDER_PROCESSES="1", **named)

    assert [server.get(f"/plots/talks?n={n}").status for n in (1, 2)] == [200, 200]
    for n in (1, 2):
        assert f"line 10 of {n}" in server.log
        assert f"line 30 of {n}" not in server.log
    assert server.log.count("prints too much") == 2

    assert [server.get(f"/plots/opens?n={n}").status for n in (10, 200, 10)] == [200, 500, 200]
    assert "Too many open files" in server.log
    assert [server.get(f"/plots/writes?n={n}").status for n in (2**19, 2**21, 2**19)] == [200, 500, 200]
    assert "File too large" in server.log
