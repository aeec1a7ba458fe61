"""The render server beside somebody else's workers: real processes that start it, share it and leave it."""

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plotroute.errors import BadSetting
from plotroute.render import startup
from plotroute.render.client.sidecar import Sidecar
from plotroute.render.drawing.app_context import Recipe
from plotroute.settings import Settings
from render.stage import Stage, children, parent, stat
from sketches import until

PLOTS = """
import os
import time
from pathlib import Path
from plotroute import Plots

plots = Plots()

@plots.dataset(ttl="forever")
def numbers():
    return [1, 2, 3]

@plots.dataset(version=lambda: "first", poll="100ms")
def watched():
    return [3, 2, 1]

@plots.plot
def line(ax, numbers, n: int = 0):
    ax.plot(numbers)
    ax.set_title(f"n = {n}")

@plots.plot
def polled(ax, watched, n: int = 0):
    ax.plot(watched)
    ax.set_title(f"n = {n}")

@plots.plot
def leaves_a_process(ax, numbers, n: int = 0):
    ax.plot([1, 2])
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    os.wait()
"""

# Python for a worker: it takes the orphans, as a gunicorn that is the first process of a container does.
REAPS = """
import ctypes
ctypes.CDLL(None).prctl(36, 1)
def reaped():
    found = []
    with __import__("contextlib").suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(os.waitstatus_to_exitcode(one[1]))
    return found
"""


@pytest.fixture
def make_stage():
    stages = []

    def make(plots=PLOTS, **options):
        stages.append(Stage(plots, **options))
        return stages[-1]

    yield make
    for stage in stages:
        stage.end()


@pytest.fixture
def stage(make_stage):
    return make_stage()


def drew(told):
    """Return the picture's hash."""
    assert told[0] == "image", told
    return told[1]


# One server, and whose


def test_all_workers_that_ask_at_once_have_one_server(stage):
    master = stage.worker()
    told = master("herd(20, 8)")
    assert len(told) == 20
    assert len({server for _, server in told}) == 1
    assert len({drew(picture) for pictures, _ in told for picture in pictures}) == 1
    assert len(list(stage.sockets.glob("*.sock"))) == 1


def test_workers_that_were_spawned_share_one_as_forked_ones_do(stage):
    # What a hook that is called after the fork may set, and pytest does, is no difference.
    own = "os.environ['OWN'] = str(os.getpid())"
    settings = {"ignored_environment": "WORKER_*, SLOT"}
    first = stage.worker(before=own, environment={"WORKER_ID": "1", "PYTEST_CURRENT_TEST": "a"}, **settings)
    second = stage.worker(before=own, environment={"WORKER_ID": "2", "SLOT": "2"}, **settings)
    for worker in (first, second):
        worker.begin("draw()")
    assert drew(first.end()) == drew(second.end())
    assert first("server()") == second("server()")
    other = stage.worker(environment={"RELEASED": "later"}, **settings)
    assert drew(other("draw()")) == drew(first("draw()"))
    assert other("server()") != first("server()")
    assert len(stage.bases()) == 2
    # Only the worker that differs is told, and by which variables; no value is.
    assert stage.log.count("starts a render server of its own") == 1
    assert "differs in: RELEASED. " in stage.log
    assert 'PLOTROUTE_IGNORED_ENVIRONMENT="RELEASED"' in stage.log
    notes = [path.read_text() for path in stage.sockets.glob("*.environment")]
    assert len(notes) == 2
    assert not any("later" in note for note in notes)


def test_what_tells_two_servers_apart(monkeypatch, tmp_path):
    with tempfile.TemporaryDirectory(prefix="pr-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        targets, settings = ["shop.charts:plots"], Settings()

        def path(*given):
            return Sidecar(*(given or (targets, settings))).path

        parent = os.getppid()
        same = path()
        assert path() == same
        assert path(["shop.charts:others"], settings) != same
        assert path(targets, Settings(render_processes=1)) != same
        assert path(targets, settings, Recipe("shop:create_app")) != same
        assert path(targets, settings, Recipe(config={"DATABASE": "hash"})) != same
        for change in (
            lambda patch: patch.setenv("OF_THE_APP", "changed"),
            lambda patch: patch.setattr(sys, "path", [*sys.path, str(tmp_path)]),
            lambda patch: patch.setattr(os, "getppid", lambda: parent + 1),
        ):
            with monkeypatch.context() as patch:
                change(patch)
                assert path() != same
        # What Python leaves aside itself is no difference, and no fault.
        monkeypatch.setattr(sys, "path", [*sys.path, tmp_path])
        assert path() == same


def test_the_names_of_files_and_variables_need_not_be_text(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="pr-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        monkeypatch.setenv("ODD", os.fsdecode(b"\xff\xfe"))
        monkeypatch.setattr(sys, "path", [*sys.path, os.fsdecode(b"/srv/\xff")])
        assert Sidecar(["plots.py"], Settings()).path.suffix == ".sock"


# The directory of its socket


@pytest.fixture
def place(monkeypatch):
    """The directory that is to hold the socket; its parent is there."""
    with tempfile.TemporaryDirectory(prefix="pr-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        yield Path(short, f"plotroute-{os.getuid()}")


def refused():
    with pytest.raises(BadSetting) as caught:
        Sidecar(["plots.py"], Settings())
    assert "TMPDIR" in str(caught.value)
    return str(caught.value)


def test_the_directory_is_for_its_owner_alone(place):
    assert Sidecar(["plots.py"], Settings()).path.parent == place
    assert place.stat().st_mode & 0o777 == 0o700
    assert place.stat().st_uid == os.getuid()


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o777, 0o1777])
def test_a_directory_that_others_may_enter_is_refused(place, mode):
    place.mkdir()
    place.chmod(mode)
    assert str(place) in refused()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_a_directory_of_somebody_else_is_refused(place):
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)
    assert str(place) in refused()


@pytest.mark.parametrize("to", ["a directory", "nothing"])
def test_a_link_is_refused(place, tmp_path, to):
    tmp_path.chmod(0o700)
    place.symlink_to(tmp_path if to == "a directory" else tmp_path / "nothing")
    assert str(place) in refused()


def test_a_file_is_refused(place):
    place.write_text("")
    assert str(place) in refused()


def test_too_long_a_path_is_refused(place, monkeypatch):
    long = place.parent / ("long" * 20)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    assert "too long" in refused()


def test_where_nothing_can_be_written(place, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(place.parent / "nowhere"))
    assert "nowhere" in refused()


EMBEDDED = {
    "uWSGI": "import types; sys.modules['uwsgi'] = types.ModuleType('uwsgi'); sys.executable = '/usr/bin/uwsgi'",
    "mod_wsgi": "import types; sys.modules['mod_wsgi'] = types.ModuleType('mod_wsgi'); sys.executable = ''",
    "another": "sys.executable = None",
}


def test_an_interpreter_inside_another_program_is_found_where_its_libraries_are(stage):
    """As such programs have it: `sys.executable` is theirs, or nothing."""
    workers = [stage.worker(before=before) for before in EMBEDDED.values()]
    pictures = [drew(worker("draw()")) for worker in workers]
    assert len(set(pictures)) == 1
    assert len({worker("server()") for worker in workers}) == 1


@pytest.mark.parametrize("module", ["uwsgi", "mod_wsgi"])
def test_where_there_is_no_interpreter_it_is_said_with_the_cure(monkeypatch, tmp_path, module):
    monkeypatch.setitem(sys.modules, module, sys)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(BadSetting, match="PLOTROUTE_RENDER_MODE=inprocess"):
        Sidecar(["plots.py"], Settings())


# What it has of the worker that started it


ODD = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
pair = socket.socketpair()
file = open("plots.py")
pipe = os.pipe()
own = [listener.fileno(), *(end.fileno() for end in pair), file.fileno(), *pipe]
for number in own:
    os.set_inheritable(number, True)
names = [os.readlink(f"/proc/self/fd/{number}") for number in own]
for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR2, signal.SIGABRT):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
first = threading.Thread(target=draw)
first.start()
first.join()
"""


@pytest.fixture(scope="module")
def odd():
    """A worker with files and signals of its own has started a server, in a thread that has ended."""
    stage = Stage(PLOTS)
    worker = stage.worker(before=ODD)
    drew(worker("draw()"))
    yield stage
    stage.end()


def test_it_has_nothing_of_the_worker_open(odd):
    names = odd.workers[0]("names")
    assert len(names) == 6
    for pid in odd.processes():
        held = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        assert [name for name in names if name in held] == []


def test_it_is_nobodys_child_and_leads_a_session(odd):
    worker, base = odd.workers[0], odd.base()
    assert children(worker.pid) == []
    assert stat(base)[2:4] == [str(base), str(base)]
    assert stat(base)[3] != stat(worker.pid)[3]


def test_what_the_worker_does_with_signals_is_the_workers(odd):
    status = dict(line.split(":\t") for line in Path(f"/proc/{odd.base()}/status").read_text().splitlines())
    assert int(status["SigBlk"], 16) == 0
    # Those above 31 are the C library's own.
    ignored = int(status["SigIgn"], 16) & 0x7FFFFFFF
    assert ignored == sum(1 << (number - 1) for number in (signal.SIGPIPE, signal.SIGXFSZ))


def test_it_outlives_the_thread_that_asked_first(odd):
    base = odd.base()
    assert drew(odd.workers[0]("draw(n=1)"))
    assert odd.base() == base


def test_it_imports_as_the_worker_does(stage):
    """A vendored library; and what lies in the working directory is no module, if it is none there."""
    (stage.folder / "vendored").mkdir()
    (stage.folder / "vendored/words.py").write_text("TITLE = 'from here'")
    (stage.folder / "vendored/calendar.py").write_text("raise SystemExit('nor this one')")
    (stage.folder / "work").mkdir()
    (stage.folder / "work/json.py").write_text("raise SystemExit('not this one')")
    stage.plots.write_text(f"import os, words\n{PLOTS}\nassert os.environ.get('PYTHONPATH') == '/nowhere'\n")
    worker = stage.worker(
        before="sys.path.remove(''); sys.path.insert(0, 'vendored'); renderer(); os.chdir('work')",
        environment={"PYTHONPATH": "/nowhere"},
    )
    drew(worker("draw()"))


# How long it is there


def test_it_outlives_the_worker_that_started_it(stage):
    first, *others = [stage.worker() for _ in range(3)]
    picture = drew(first("draw()"))
    base = stage.base()
    for end, worker in zip(
        ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit()"], (first, others[0]), strict=True
    ):
        assert drew(others[1]("draw()")) == picture
        worker.begin(end)
        worker.close()
        assert drew(others[1]("draw(n=1)"))
    assert stage.base() == base


def test_it_outlives_the_parent_of_its_workers(stage):
    """A master that is killed: its workers go on, or end, as they like."""
    master = stage.worker(
        before="""
read, write = os.pipe()
master = os.getpid()
if os.fork():
    os.read(read, 1)
else:
    drawn = draw()
    os.write(write, b"!")
    while os.getppid() == master:
        time.sleep(0.02)
    with open("part", "w") as file:
        file.write(f"{draw(1)[0]} {drawn == draw()}")
    os.rename("part", "drawn")
    os._exit(0)
"""
    )
    assert master("1") == 1
    before = stage.bases()
    master.kill()
    until((stage.folder / "drawn").exists)
    assert (stage.folder / "drawn").read_text() == "image True"
    assert set(stage.bases()) <= set(before)


def test_a_worker_that_comes_back_in_time_finds_it(make_stage):
    stage = make_stage(idle_after=600)
    worker = stage.worker()
    worker("draw()")
    base = stage.base()
    worker.kill()
    after = stage.worker()
    after("draw()")
    assert stage.base() == base
    # The whole service is stopped: nobody will come back.
    os.kill(base, signal.SIGTERM)
    drew(after("draw(n=1)"))
    assert stage.base() == base
    after.kill()


def test_one_that_is_told_to_stop_while_it_starts_does_not_wait_for_workers(make_stage):
    stage = make_stage(PLOTS.replace("import os\n", "import os, time\ntime.sleep(1)\n", 1), idle_after=600)
    worker = stage.worker()
    worker.begin("draw()")
    os.kill(stage.base(), signal.SIGTERM)
    drew(worker.end())
    assert len(stage.bases()) == 1


def test_nothing_is_left_of_what_its_plots_have_started(stage):
    worker = stage.worker(allow_processes=True)
    drew(worker('draw(plot="numbers/leaves_a_process")'))
    assert len([pid for pid in stage.processes() if parent(pid) != 1]) >= 3


def test_workers_that_come_and_go_while_it_ends_are_all_served(make_stage):
    stage = make_stage(idle_after=0.01)
    workers = [stage.worker(), stage.worker()]
    for n in range(3):
        for worker in workers:
            worker.begin(f"draw({n}), leave()")
        assert len({drew(worker.end()[0]) for worker in workers}) == 1
        if n % 2:
            until(lambda: not stage.bases())


def test_who_only_looks_whether_it_is_there_does_not_keep_it(make_stage):
    stage = make_stage(idle_after=0.5)
    worker = stage.worker()
    drew(worker("draw()"))
    (door,) = stage.sockets.glob("*.sock")
    worker.kill()

    def has_ended():
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as knocking:
            knocking.connect(str(door))
        return not stage.bases()

    until(has_ended)


def test_one_that_wants_to_end_looks_whether_somebody_knocks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a short name for the socket
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as knocking:
        listener.bind("x.sock")
        listener.listen()
        knocking.connect("x.sock")
        assert not startup.close(listener)
        listener.accept()[0].close()
        assert startup.close(listener)
    assert list(tmp_path.iterdir()) == []


def test_one_that_wants_to_end_hears_others_while_somebody_has_its_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("x.sock")
        listener.listen()
        with startup.locked(Path("x.sock")):
            assert not startup.close(listener)
        assert startup.close(listener)


def test_one_whose_door_was_cleared_away_may_end(tmp_path, monkeypatch):
    (tmp_path / "cleared").mkdir()
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("cleared/x.sock")
        listener.listen()
        shutil.rmtree(tmp_path / "cleared")
        assert startup.close(listener)


def test_a_lock_that_is_removed_under_those_who_wait_for_it_is_nobodys(tmp_path):
    path = tmp_path / "x.sock"
    inside = []

    def enter(_):
        with startup.locked(path):
            inside.append("in")
            time.sleep(0.001)  # whoever else is in comes in between
            inside.append("out")
            path.with_suffix(".lock").unlink()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(enter, range(200)))
    assert inside == ["in", "out"] * 200


def test_one_that_hangs_when_it_starts_keeps_no_other_from_starting(stage):
    (stage.folder / "site").mkdir()
    (stage.folder / "site/sitecustomize.py").write_text(
        "import sys, time\nif 'plotroute.render.server' in sys.orig_argv:\n    time.sleep(600)\n"
    )
    path = {"PYTHONPATH": str(stage.folder / "site")}
    stuck = stage.worker(before="remote._START_TIMEOUT = 2.0", environment=path)
    stuck.begin("draw()")
    until(lambda: len(stage.processes()) == 1)
    (hanging,) = stage.processes()
    drew(stage.worker()("draw()"))
    assert stuck.end()[0] == "draining"
    (stage.folder / "site/sitecustomize.py").unlink()
    kill(hanging)
    assert until(lambda: stuck("draw()")[0] == "image")


# When something is killed


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_one_that_is_killed_is_started_again_without_a_trace(stage):
    worker = stage.worker()
    picture = drew(worker("draw()"))
    for n in (1, 2):
        before = stage.processes()
        kill(stage.base())
        drew(worker(f"draw({n})"))
        assert drew(worker("draw()")) == picture
        until(lambda before=before: not before.keys() & stage.processes().keys())
        assert len(stage.bases()) == 1
        assert children(worker.pid) == []
    assert "the render server ended; starting it again" in stage.log
    assert len(list(stage.sockets.glob("*.d"))) == 1


def test_whatever_is_killed_while_requests_run_costs_those_at_most(stage):
    worker = stage.worker(
        render_processes=2,
        before="""
done, told = threading.Event(), []
def ask(first):
    n = first
    while not done.is_set():
        told.append(draw(n, plot="watched/polled" if n % 2 else "numbers/line"))
        n += 2
pool = ThreadPoolExecutor(4)
""",
    )
    pictures = [drew(worker("draw(0)")), drew(worker('draw(1, plot="watched/polled")'))]
    worker("[pool.submit(ask, first) for first in (100, 1001, 10000, 100001)] and None")
    count = 0
    # The base, the generation, the render processes and the watcher.
    for place in range(5):
        until(lambda: len(stage.processes()) == 5)
        kill(sorted(stage.processes())[place])
        count = until(lambda count=count: (n := worker("len(told)")) > count + 2 and n)
    worker("done.set()")
    worker("pool.shutdown()")
    kinds = worker("sorted({one[0] for one in told})")
    assert "image" in kinds
    assert set(kinds) <= {"image", "plot_crashed", "draining"}, kinds
    assert [drew(worker("draw(0)")), drew(worker('draw(1, plot="watched/polled")'))] == pictures
    assert len(stage.bases()) == 1
    until(lambda: len(stage.processes()) == 5)


def test_one_that_ends_at_every_start_is_not_started_in_a_busy_loop(stage):
    (stage.folder / "site").mkdir()
    (stage.folder / "broken").touch()
    (stage.folder / "site/sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'plotroute.render.server' in sys.orig_argv and os.path.exists('broken'):\n"
        "    open('starts', 'a').write('!')\n"
        "    os._exit(7)\n"
    )
    short = "remote._START_TIMEOUT = 2.0"
    workers = [
        stage.worker(before=short, environment={"PYTHONPATH": str(stage.folder / "site")}) for _ in range(2)
    ]
    for worker in workers:
        worker.begin("draw()")
    assert [worker.end()[0] for worker in workers] == ["draining"] * 2
    assert len((stage.folder / "starts").read_text()) < 10
    assert len(stage.processes()) <= 1
    assert all(len(children(worker.pid)) <= 1 for worker in workers)
    assert "the render server did not start (7)" in stage.log
    (stage.folder / "broken").unlink()
    assert until(lambda: workers[0]("draw()")[0] == "image")
    drew(workers[1]("draw()"))
    assert len(stage.bases()) == 1


def test_what_a_killed_server_has_left_is_removed_by_the_next(stage):
    worker = stage.worker()
    worker("draw()")
    kill(stage.base())
    worker.kill()
    until(lambda: not stage.processes())
    left = stage.left()
    assert {Path(name).suffix for name in left} == {".sock", ".d", ".started", ".environment", ".lock"}
    for name in left:
        os.utime(stage.sockets / name, (0, 0))
    after = stage.worker(environment={"RELEASED": "later"})
    after("draw()")
    assert set(left).isdisjoint(stage.left())


def test_a_clock_that_was_set_back_keeps_nobody_waiting(stage):
    worker = stage.worker()
    worker("draw()")
    note = next(stage.sockets.glob("*.started"))
    os.utime(note, (time.time() + 9999, time.time() + 9999))
    kill(stage.base())
    drew(worker("draw(n=1)"))


def test_temporary_files_that_somebody_clears_away_are_made_again(stage):
    worker = stage.worker()
    worker("draw()")
    shutil.rmtree(stage.sockets)
    # Both for a new render process and for a new server.
    base = stage.base()
    drawing = [pid for pid in stage.processes() if parent(parent(pid)) == base]
    for pid in drawing:
        kill(pid)
    until(lambda: not any(parent(pid) for pid in drawing))
    drew(worker("draw(n=1)"))
    until(lambda: list(stage.sockets.glob("*.d/*")))
    shutil.rmtree(stage.sockets)
    kill(stage.base())
    drew(worker("draw(n=2)"))
    assert stage.sockets.stat().st_mode & 0o777 == 0o700


def test_orphans_that_the_parent_of_the_workers_is_given_do_not_stop_it(make_stage):
    """gunicorn, as the first process of a container, takes 3 and 4 for workers that cannot start."""
    stage = make_stage()
    master = stage.worker(before=REAPS)
    for _ in range(2):
        told = master("herd(1, 1)")
        drew(told[0][0][0])
        assert until(lambda: master("reaped()")) == [0]
    worker = stage.worker(before=REAPS)
    worker("draw()")
    kill(next(pid for pid in stage.processes() if stat(pid)[3] == str(pid)))
    drew(worker("draw(n=1)"))
    ended = worker("reaped()")
    assert ended
    assert not {3, 4} & set(ended)


# A worker that forks


def test_a_fork_of_a_worker_leaves_its_connection_alone(stage):
    worker = stage.worker(
        before="""
def forked(code):
    \"\"\"Run that in a fork, and return what it gives.\"\"\"
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            told = eval(code, globals())
        except BaseException as error:
            told = repr(error)
        os.write(write, json.dumps(told).encode())
        os._exit(0)
    os.close(write)
    told = json.loads(os.fdopen(read).read())
    os.waitpid(pid, 0)
    return told
inherited = lambda: connected[0][0]
"""
    )
    picture = drew(worker("draw()"))
    server = worker("server()")
    # By itself it would make one of its own, as `Extension` does; what it has inherited is of no use.
    assert worker("""forked("type(inherited()._send({'op': 'check'})).__name__")""").startswith("Draining")
    assert worker("""forked("inherited().close()")""") is None
    assert worker("""forked("inherited().ready()")""") is False
    assert drew(worker("""forked("draw()")""")) == picture
    assert drew(worker("draw(n=1)"))
    assert worker("server()") == server


def test_a_fork_that_lives_on_keeps_neither_the_server_nor_its_lock(stage):
    worker = stage.worker(
        before="""
def leave_a_fork():
    with startup.locked(pathlib.Path(renderer()._path)):
        if os.fork() == 0:
            os.close(answers.fileno())
            time.sleep(600)
"""
    )
    worker("draw()")
    worker("leave_a_fork()")
    fork = children(worker.pid)[0]
    try:
        kill(stage.base())
        drew(worker("draw(n=1)"))
        worker.kill()
        until(lambda: stage.processes().keys() == {fork})
    finally:
        kill(fork)


# Code that changes, or does not load


def test_a_saved_file_is_live(stage):
    worker = stage.worker()
    picture = drew(worker("draw()"))
    base = stage.base()
    stage.plots.write_text(PLOTS.replace("n = {n}", "number {n}"))
    until(lambda: drew(worker("draw()")) != picture)
    stage.plots.write_text(PLOTS.replace("n = {n}", "1 / 0 {n"))
    until(lambda: worker("renderer().manifest().problem"))
    assert drew(worker("draw()")) != picture
    stage.plots.write_text(PLOTS)
    until(lambda: drew(worker("draw()")) == picture)
    assert worker("renderer().manifest().problem") == ""
    assert stage.base() == base


def test_plots_that_never_loaded_say_why_until_they_do(stage):
    stage.plots.write_text("1 / 0")
    worker = stage.worker(before="sidecar.AGAIN_AFTER = 0.1")
    kind, problem = worker("draw()")
    assert kind == "problem"
    assert "plots.py, line 1: ZeroDivisionError" in problem
    stage.plots.write_text(f"open('there')\n{PLOTS}")
    until(lambda: "FileNotFoundError" in worker("draw()")[1])
    (stage.folder / "there").touch()  # no file of code: as a database that comes back
    until(lambda: worker("draw()")[0] == "image")


def test_a_file_that_is_not_there_is_said_too(stage):
    stage.plots.unlink()
    worker = stage.worker()
    kind, problem = worker("draw()")
    assert kind == "problem"
    assert "There is no file plots.py" in problem
    base = stage.base()
    stage.plots.write_text(PLOTS)
    until(lambda: worker("draw()")[0] == "image")
    assert stage.base() == base


def test_a_folder_with_too_many_files_is_said_too(make_stage):
    stage = make_stage()
    (stage.folder / "sitecustomize.py").write_text(
        "import sys\nif 'plotroute.render.server' in sys.orig_argv:\n"
        "    import plotroute.catalog.author_code; plotroute.catalog.author_code.MOST_FILES = 1\n"
    )
    worker = stage.worker(environment={"PYTHONPATH": str(stage.folder)})
    kind, problem = worker("draw()")
    assert kind == "problem"
    assert "holds too much to see what was saved" in problem
