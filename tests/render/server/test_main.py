"""One render server under load and with sick processes, seen by its readers: `plotroute serve` and HTTP."""

import contextlib
import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sketches import until

PLOTS = """
import contextlib, os, socket, time
from pathlib import Path
from plotroute import Plots
from plotroute.render.frames import pack

plots = Plots()

@plots.dataset(ttl="forever")
def numbers(region: int = 0):
    if region:
        Path(f"loads-{region}").touch()
        started = time.monotonic()
        while time.monotonic() - started < 4 and not Path(f"go-{region}").exists():
            time.sleep(0.05)
    return [3, 1, 2 + region]

@plots.plot(ttl="forever")
def line(ax, n: int = 0):
    ax.plot([n, 1, 3])

@plots.plot(ttl="forever")
def bars(ax, n: int = 0):
    ax.bar([1, 2, 3], [n, 1, 3])

@plots.plot
def of_data(ax, numbers, n: int = 0):
    ax.plot(numbers)
    ax.set_title(str(n))

@plots.plot
def more_of_data(ax, numbers):
    ax.plot(numbers)

@plots.plot(ttl="forever", timeout=60)
def report(ax, n: int = 0):
    Path(f"report-{n}").touch()
    started = time.monotonic()
    # At least four seconds, also where it is let go at once: the plot stays known to take more than three.
    while (took := time.monotonic() - started) < 4 or n and took < 50 and not Path(f"go-{n}").exists():
        time.sleep(0.05)
    ax.plot([n])

@plots.plot(ttl="forever", timeout=1)
def ends(ax, how: str, n: int = 0):
    if how == "exits":
        os._exit(3)
    while how == "loops" or time.sleep(1) is None:
        pass

@plots.plot(ttl="forever")
def slow(ax, n: int = 0):
    time.sleep(0.8)
    ax.plot([n])

PICTURE = {"op": "picture", "image": '{"body": "", "type": "image/png"}'}

def say(header, body=b"", whole=True):
    for name in os.listdir("/proc/self/fd"):
        try:
            end = socket.socket(fileno=os.dup(int(name)))
        except OSError:
            continue
        with end:
            frame = pack(header, body)
            with contextlib.suppress(OSError):  # the worker is being replaced
                end.sendall(frame if whole else frame[:-1])

@plots.plot(ttl="forever")
def talks(ax, how: str, n: int = 0):
    if how == "error":
        error = {"code": "plot_failed", "title": "?", "detail": "", "headers": {}, "members": {}}
        say({"op": "ended", "number": 0, "result": {"op": "failure", "error": error}})
    elif how == "image":
        say({"op": "ended", "number": 10**6, "result": PICTURE}, b"not the picture")
    elif how == "later":
        import threading
        threading.Timer(0.3, say, ({"op": "ended", "number": 1, "result": PICTURE}, b"no")).start()
    else:
        say({"op": "data_at_hand"})
        say({"op": "begun", "number": -1})
        say({"op": "ready"})
        say({"op": "unknown", "number": 1})
    ax.plot([n, 2])
"""


def parents():
    """Return process → its parent, for all that there are."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    found[int(entry.name)] = int(fields[1])
    return found


def renderers(server):
    """Return the ids of the processes that draw: two steps below the render server."""
    above = parents()
    children = [pid for pid, parent in above.items() if parent == server.process.pid]
    base = next(pid for pid in children if b"render.server" in Path(f"/proc/{pid}/cmdline").read_bytes())
    generations = {pid for pid, parent in above.items() if parent == base}
    return {pid for pid, parent in above.items() if parent in generations}


STARTS = """
import os, subprocess, sys
from plotroute import Plots

plots = Plots()

def work(n):
    return n

@plots.dataset(ttl="forever")
def of_a_command(n: int = 0):
    return subprocess.run(["date"], check=True, capture_output=True).stdout

@plots.plot
def loads(ax, of_a_command):
    ax.plot([1, 2])

@plots.plot(ttl="forever")
def starts(ax, how: str, n: int = 0):
    if how == "command":
        subprocess.run(["dot", "-Tpng"], check=True)
    elif how == "swallowed":
        try:
            subprocess.check_output("dot")
        except OSError:
            raise RuntimeError("Make sure the Graphviz executables are on your PATH") from None
    elif how == "pool":
        import multiprocessing
        multiprocessing.get_context("fork").Pool(2).map(work, [1, 2])
    elif how == "jobs":
        from joblib import Parallel, delayed
        Parallel(n_jobs=2)(delayed(work)(n) for n in range(2))
    elif how == "shell":
        os.system("date > made.txt")
        open("made.txt")
    elif how == "tex":
        ax.set_title("x", usetex=True)
    elif how == "nothing":
        raise RuntimeError("its own fault")
"""


@pytest.fixture(scope="module")
def starting(tmp_path_factory, start_server):
    folder = tmp_path_factory.mktemp("starting")
    (folder / "plots.py").write_text(STARTS)
    return start_server("plots.py", cwd=folder, PLOTROUTE_RENDER_PROCESSES="1")


@pytest.mark.parametrize(
    "how", ["command", "swallowed", "pool", "jobs", "shell", "tex", "nothing", "dataset"]
)
def test_the_log_says_that_plots_may_start_no_processes(starting, how):
    """Whatever a library makes of the refusal."""
    path = "/plots/of_a_command/loads" if how == "dataset" else f"/plots/starts?how={how}"
    said = len(starting.log)
    assert starting.get(path).status in (500, 503)
    until(lambda: "Error" in starting.log[said:])
    assert ("plots may start no processes here" in starting.log[said:]) == (how != "nothing")
    assert ("--allow-processes" in starting.log[said:]) == (how != "nothing")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    (folder / "plots.py").write_text(PLOTS)
    return folder


@pytest.fixture(scope="module")
def server(folder, start_server):
    # A queue that is full after three seconds: what takes four is what takes long.
    served = start_server("plots.py", cwd=folder, PLOTROUTE_RENDER_PROCESSES="2", PLOTROUTE_QUEUE_TIMEOUT="3")
    yield served
    assert "Traceback" not in served.log


@pytest.fixture
def golden(server):
    """The pictures that must be the same whatever happens, asked for under a name that no cache has."""
    seen = {name: server.get(f"/plots/{name}?n=1").body for name in ("line", "bars")}

    def check():
        number = time.monotonic_ns() % 10**6
        for name, body in seen.items():
            fresh = server.get(f"/plots/{name}?n=1&width=640")
            assert fresh.status == 200
            assert server.get(f"/plots/{name}?n={number}").status == 200
            assert server.get(f"/plots/{name}?n=1").body == body

    return check


numbers = iter(range(1000, 10**6))


def fresh(server, plot, **headers):
    """Ask for a picture that was never drawn."""
    return server.get(f"/plots/{plot}{'&' if '?' in plot else '?'}n={next(numbers)}", **headers)


# A process that is idle is not waited for


@pytest.fixture
def long_known(server, folder):
    """The report was drawn once: it is known to take longer than others may wait."""
    if not (folder / "report-0").exists():
        assert server.get("/plots/report").status == 200


def test_while_one_draws_a_long_report_others_are_drawn(server, folder, long_known):
    number = next(numbers)
    with ThreadPoolExecutor(1) as reader:
        report = reader.submit(server.get, f"/plots/report?n={number}")
        until((folder / f"report-{number}").exists)
        for other in ("line", "bars", "numbers/of_data", "line.pdf"):
            assert fresh(server, other).status == 200
        assert not report.done()
        (folder / f"go-{number}").touch()
        assert report.result().status == 200


def test_two_long_reports_do_not_take_all_processes(server, folder, long_known):
    first, second = next(numbers), next(numbers)
    with ThreadPoolExecutor(2) as reader:
        one = reader.submit(server.get, f"/plots/report?n={first}")
        until((folder / f"report-{first}").exists)
        refused = server.get(f"/plots/report?n={second}")
        assert (refused.status, b"queue_full" in refused.body) == (503, True)
        assert int(refused.headers["Retry-After"]) >= 1
        assert fresh(server, "line").status == 200
        (folder / f"go-{first}").touch()
        assert one.result().status == 200


def test_a_picture_whose_data_another_process_loads_is_told_so(server, folder):
    """It waits though a process is idle, and the queue is not what it waits for."""
    assert fresh(server, "numbers/of_data").status == 200  # a load has taken no time so far
    number = next(numbers)
    with ThreadPoolExecutor(2) as readers:
        first = readers.submit(server.get, f"/plots/numbers/of_data?region={number}&n=1")
        until((folder / f"loads-{number}").exists)
        second = readers.submit(server.get, f"/plots/numbers/of_data?region={number}&n=2")
        assert fresh(server, "line").status == 200
        reply = second.result()
        assert (reply.status, b"dataset_loading" in reply.body) == (503, True)
        assert first.result().status == 200
    assert server.get(f"/plots/numbers/of_data?region={number}&n=2").status == 200
    # Requests that wait for a load keep no worker busy.
    number = next(numbers)
    with ThreadPoolExecutor(2) as readers:
        first = readers.submit(server.get, f"/plots/numbers/of_data?region={number}")
        until((folder / f"loads-{number}").exists)
        second = readers.submit(server.get, f"/plots/numbers/more_of_data?region={number}")
        assert [fresh(server, "line").status for _ in range(9)] == [200] * 9
        (folder / f"go-{number}").touch()
        assert {first.result().status, second.result().status} == {200}


# A fair share for each plot


def test_many_requests_of_a_slow_plot_leave_others_their_share(server):
    assert fresh(server, "slow").status == 200
    with ThreadPoolExecutor(50) as crowd:
        slow = [crowd.submit(fresh, server, "slow") for _ in range(50)]
        until(lambda: any(request.done() for request in slow))  # the queue is as long as it may be
        others = ["line", "bars", "numbers/of_data", "line.pdf"] * 2
        assert {fresh(server, other).status for other in others} == {200}
        statuses = [request.result().status for request in slow]
    assert statuses.count(200) >= 2
    assert set(statuses) == {200, 503}


# A process that does not read


def stop(server):
    """Stop all processes that draw, as a debugger or a full memory does."""
    stopped = until(lambda: (found := renderers(server)) and len(found) == 2 and found)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    return stopped


def post(server, points):
    values = [number % 977 for number in range(points)]
    body = json.dumps({"x": list(range(points)), "y": values}).encode()
    return server.request("POST", "/plot.png", body=body, Content_Type="application/json")


@pytest.mark.parametrize("ask", ["small", "of data", "large", "larger than a socket holds"])
def test_a_picture_is_drawn_though_idle_processes_do_not_read(server, golden, ask):
    golden()
    stopped = stop(server)
    if ask == "small":
        reply = fresh(server, "line")
    elif ask == "of data":
        reply = server.get(f"/plots/numbers/of_data?n={next(numbers)}")
    else:
        reply = post(server, 60_000 if ask == "large" else 100_000)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/png"), reply.body[:500]
    until(lambda: not stopped & renderers(server) or fresh(server, "bars").status != 200)
    golden()
    assert "does not read what it is sent" in server.log


# A worker that sends what belongs to no job of its own


@pytest.mark.parametrize("how", ["error", "image", "words", "later"])
def test_what_a_plot_sends_in_the_place_of_an_answer_is_no_answer(server, golden, how):
    golden()
    quiet = server.get("/plots/talks?how=none&n=7")
    pictures = [fresh(server, f"talks?how={how}") for _ in range(3)]
    assert {reply.status for reply in pictures} == {200}
    assert all(reply.body.startswith(b"\x89PNG") for reply in pictures)
    assert server.get(f"/plots/talks?how={how}&n=7").body == quiet.body
    golden()
    assert "sends what belongs to no job of its own" in server.log


# What the log says of a drawing that was ended


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("loops", "Drawing took longer than 1 s, so process"),
        ("sleeps", "Drawing took longer than 1 s, so process"),
        ("exits", "Drawing ended its process, so process"),
    ],
)
def test_the_log_says_in_a_sentence_what_ended_a_drawing(server, golden, how, said):
    number = next(numbers)
    id = f"asked-{number}"
    assert server.get(f"/plots/ends?how={how}&n={number}", X_Request_ID=id).status in (500, 504)
    line = next(line for line in server.log.splitlines() if f"{id} ends: {said}" in line)
    assert f'Asked for: how="{how}" n={number}' in line
    assert ("timeout=" in line and "PLOTROUTE_RENDER_TIMEOUT" in line) == (how != "exits")
    assert "{" not in line
    golden()
