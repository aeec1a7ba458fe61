"""The app of the processes that draw: made once in each, entered around what authors wrote, and what may go wrong."""

import importlib.util
import signal
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from plotroute.errors import CannotLoad
from plotroute.render.drawing.app_context import Host, Recipe
from render.stage import Stage, parent
from sketches import until

PLOTS = """
import os
from plotroute import CannotDraw, Plots

plots = Plots()
ROLE = os.environ.get("PLOTROUTE_ROLE")

def note(*told):
    with open("notes.txt", "a") as file:
        print(os.getpid(), *told, file=file)

note("imported by", os.getppid(), ROLE)

def version():
    from flask import current_app
    note("version", current_app.name)
    return "first"

@plots.dataset(version=version, poll="100ms")
def numbers():
    from flask import current_app
    note("load", current_app.name)
    return [1, 2, 3]

@plots.plot(ttl="forever")
def line(ax, numbers, n: int = 0):
    from flask import current_app
    note("draw", current_app.name)
    ax.set_title(current_app.config["TITLE"])

@plots.plot(ttl="forever")
def told(n: int = 0):
    import threading
    from flask import current_app
    names = " ".join(sorted(thread.name for thread in threading.enumerate()))
    raise CannotDraw(f"{os.getpid()} {os.environ.get('SET_BY_THE_APP')} {names}")
"""

SHOP = """
import os
import threading
import time
from pathlib import Path

from flask import Flask

from plots import note, plots

note("shop imported")
fine = 1

def make(name="made"):
    note("made", os.environ.get("PLOTROUTE_ROLE"))
    os.environ["SET_BY_THE_APP"] = "yes"
    app = Flask(name)
    app.config["TITLE"] = "of the app"
    plots.init_app(app, factory="shop:create_app")
    app.teardown_appcontext(lambda error: note("teardown") or 1 / fine)
    return app

def create_app():
    threading.Thread(target=threading.Event().wait, name="of the app", daemon=True).start()
    return make()

def fails_at_its_end():
    global fine
    fine = 0
    return make()

class shops:
    create_app = staticmethod(create_app)

def raises():
    note("tried")
    if Path("mended").exists():
        return make()
    raise OSError("no such database")

def slow():
    note("slow")
    while not Path("go").exists():
        time.sleep(0.02)
    return make()

def gives_nothing():
    make()

def ends():
    raise SystemExit("not today")

def hangs():
    while True:
        try:
            time.sleep(600)
        except Exception:
            pass
"""


@pytest.fixture
def make_stage():
    stages = []

    def make(plots=PLOTS, shop=SHOP):
        stages.append(Stage(plots))
        (stages[-1].folder / "shop.py").write_text(shop)
        return stages[-1]

    yield make
    for stage in stages:
        stage.end()


def notes(stage):
    return [line.split(" ", 1) for line in (stage.folder / "notes.txt").read_text().splitlines()]


def test_the_app_is_made_after_the_fork_once_in_each_process_and_entered_around_everything(make_stage):
    stage = make_stage()
    worker = stage.worker(factory="shop:create_app()", render_processes=2)
    worker('renderer().versions([DatasetRef("numbers")])')
    for n in range(6):
        assert worker(f'draw({n}, plot="numbers/line")')[0] == "image"
    generation = next(pid for pid in stage.processes() if parent(pid) == stage.base())
    processes = {pid for pid in stage.processes() if parent(pid) == generation}
    assert len(processes) == 3
    until(lambda: len([told for _, told in notes(stage) if told.startswith("made")]) == 3)
    found = notes(stage)
    # Imported before the fork, by a process that draws nothing.
    assert [[pid, told] for pid, told in found if "imported" in told] == [
        [str(generation), f"imported by {stage.base()} render"],
        [str(generation), "shop imported"],
    ]
    assert Counter(pid for pid, told in found if told == "made render") == {str(pid): 1 for pid in processes}
    entered = Counter(pid for pid, told in found if told.split()[0] in ("version", "load", "draw"))
    assert entered.keys() <= {str(pid) for pid in processes}
    assert {told for _, told in found} >= {"version made", "load made", "draw made"}
    until(lambda: len(notes(stage)) > len(found))  # the watcher goes on
    for pid, number in entered.items():
        assert [told for one, told in found if one == pid].count("teardown") in (number, number - 1)


def test_what_the_app_has_set_and_started_stays_from_one_picture_to_the_next(make_stage):
    stage = make_stage()
    worker = stage.worker(factory="shop:shops.create_app")
    told = [worker(f'draw({n}, plot="told")')[:2] for n in range(3)]
    assert {kind for kind, _ in told} == {"cannot_draw"}
    assert len({words for _, words in told}) == 1, told
    assert told[0][1].split(" ", 1)[1] == "yes MainThread of the app"


def test_an_app_at_the_top_of_a_module_needs_no_factory(make_stage):
    app = """
from flask import Flask
app = Flask("at the top")
app.config["TITLE"] = "of the app"
app.teardown_appcontext(lambda error: note("teardown"))
plots.init_app(app)
"""
    stage = make_stage(PLOTS + app)
    assert stage.worker()('draw(plot="numbers/line")')[0] == "image"
    assert {"version at the top", "load at the top", "draw at the top", "teardown"} <= {
        told for _, told in notes(stage)
    }


# A factory that makes none


NOT_MADE = "The app could not be made"
FAILING = {
    "shop:raises": ("plot_failed", NOT_MADE, "OSError: no such database"),
    "shop:gives_nothing": ("plot_failed", NOT_MADE, "returned None, which is no Flask app"),
    "shop:ends": ("plot_failed", NOT_MADE, "SystemExit: not today"),
    "shop:fails_at_its_end": ("plot_failed", "The plot's code raised an error", "ZeroDivisionError"),
    "shop:create": ("problem", "factory='shop:create': shop has no function or app 'create'."),
}


def test_a_factory_that_makes_no_good_app_is_the_plots_error_and_the_server_stays(make_stage):
    stage = make_stage()
    workers = {factory: stage.worker(factory=factory) for factory in FAILING}
    for worker in workers.values():
        worker.begin('draw(plot="told")')
    for factory, worker in workers.items():
        *told, detail = worker.end()
        *expected, in_detail = FAILING[factory]
        assert told == expected
        assert in_detail in detail
        assert detail == in_detail or 'shop.py", line' in detail or "shop:gives_nothing" in factory
        server = worker("server()")
        assert worker('draw(n=1, plot="told")')[0] == expected[0]
        assert worker("server()") == server
    assert all(said in stage.log for _, title, said in list(FAILING.values())[:4] if title == NOT_MADE)


def test_a_factory_that_hangs_is_interrupted_and_says_where(make_stage):
    stage = make_stage()
    worker = stage.worker(factory="shop:hangs", import_timeout=2)
    for n in range(2):
        kind, title, detail = worker(f'draw({n}, plot="numbers/line")')
        assert (kind, title) == ("plot_failed", "The app could not be made")
        assert "it took longer than 2 s (import_timeout)" in detail
        assert "in hangs\n    time.sleep(600)" in detail


@pytest.mark.parametrize("plot", ["numbers/line", "told"])
def test_making_the_app_is_not_on_the_clock_of_a_request(make_stage, plot):
    """What takes longer than data may is said to be the app, and no data that there is not."""
    stage = make_stage()
    worker = stage.worker(factory="shop:slow", load_timeout=0.1, queue_timeout=0.5)
    for n in range(2):
        kind, title, _ = worker(f"draw({n}, plot={plot!r})")
        assert (kind, title) == ("draining", "The app is still being made")
    (stage.folder / "go").touch()
    drawn = ("image", "cannot_draw")
    until(lambda: worker(f"draw(9, plot={plot!r})")[0] in drawn)
    # No process was ended for it, and each has made one app.
    made = Counter(pid for pid, told in notes(stage) if told == "slow")
    assert set(made.values()) == {1}
    assert len(made) == 2


def test_a_request_waits_for_the_app_longer_than_for_data(make_stage):
    stage = make_stage()
    worker = stage.worker(factory="shop:slow", load_timeout=0.1, queue_timeout=60)
    worker.begin('draw(1, plot="told")')
    until(lambda: (stage.folder / "notes.txt").exists() and any(told == "slow" for _, told in notes(stage)))
    (stage.folder / "go").touch()
    assert worker.end()[0] == "cannot_draw"


def test_an_app_that_could_not_be_made_is_made_when_that_is_mended(make_stage):
    """By a process that has not tried yet: half of an app is no place to begin at."""
    stage = make_stage()
    worker = stage.worker(factory="shop:raises")
    for n in range(2):
        assert worker(f'draw({n}, plot="numbers/line")')[0] == "plot_failed"
    (stage.folder / "mended").touch()
    numbers = iter(range(10, 10_000))
    until(lambda: worker(f'draw({next(numbers)}, plot="numbers/line")')[0] == "image")
    tries = Counter(pid for pid, told in notes(stage) if told == "tried")
    assert set(tries.values()) == {1}


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("shop.create_app", 'write "module:function"'),
        ("shop", 'write "module:function"'),
        ("shop:", 'write "module:function"'),
        (":create_app", 'write "module:function"'),
        ("shop:create_app('test')", 'write "module:function"'),
        ("shop:create", "shop has no function or app 'create'"),
        ("shop:create_app.other", "shop has no function or app 'create_app.other'"),
        ("shop:name", "shop has no function or app 'name'"),
        ("shop.there_is_none:create_app", "ModuleNotFoundError"),
        ("fails:create_app", "ZeroDivisionError: division by zero"),
        ("ends:create_app", "SystemExit: 3"),
    ],
)
def test_a_factory_that_is_not_there_is_said(
    write_plots, process_state, monkeypatch, tmp_path, factory, said
):
    monkeypatch.syspath_prepend(tmp_path)
    write_plots("name = 'shop'\ndef create_app(): ...\n", "shop.py")
    write_plots("1 / 0", "fails.py")
    write_plots("raise SystemExit(3)", "ends.py")
    with pytest.raises(CannotLoad) as caught:
        Host(Recipe(factory)).find()
    assert str(caught.value).startswith(f"factory={factory!r}")
    assert said in str(caught.value)


def test_the_limit_is_over_when_the_app_is_there():
    host = Host()
    host._make = lambda: SimpleNamespace(app_context=nullcontext)
    before = signal.getsignal(signal.SIGALRM)
    host.prepare(600)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


# Databases


SHOP_WITH_A_DATABASE = """
import os

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from plotroute import CannotDraw, Plots

plots = Plots()
db = SQLAlchemy()

def create_app():
    app = Flask("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    db.init_app(app)
    plots.init_app(app, factory="plots:create_app")
    return app

def say(*told):
    raise CannotDraw(" ".join(map(str, told)))

@plots.plot(ttl="forever")
def sums(n: int = 0):
    found = [db.session.scalar(text(f"select {n} + {more}")) for more in range(50)]
    connection = db.session.connection().connection.dbapi_connection
    of = connection.info.backend_pid if hasattr(connection, "info") else os.getpid()
    say(os.getpid(), of, found == [n + more for more in range(50)])

@plots.plot(ttl="forever")
def leaves_open(n: int = 0):
    db.session.execute(text(f"insert into orders values ({n})"))
    say("left open")

@plots.plot(ttl="forever")
def fails(n: int = 0):
    db.session.execute(text("select from nowhere"))

@plots.plot(ttl="forever")
def keeps(n: int = 0):
    global kept
    kept = db.engine.connect()
    kept.execute(text("insert into orders values (1)"))
    say("kept")

@plots.plot(ttl="forever")
def orders(n: int = 0):
    say("orders", db.session.scalar(text("select count(*) from orders")))
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory):
    """The address of an empty database, with a table of orders."""
    from sqlalchemy import create_engine, text

    def empty(url):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("create table orders (n integer)"))
        engine.dispose()
        return url

    if request.param == "sqlite":
        yield empty(f"sqlite:///{tmp_path_factory.mktemp('database') / 'shop.db'}")
        return
    file = Path(__file__).parents[3] / "examples/back_office/tests/postgres.py"
    spec = importlib.util.spec_from_file_location("postgres", file)
    postgres = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(postgres)
    with postgres.running() as url:
        yield empty(url)


def test_processes_share_no_connection_and_what_a_plot_leaves_open_harms_no_other(database):
    stage = Stage(SHOP_WITH_A_DATABASE)
    try:
        worker = stage.worker(
            factory="plots:create_app", render_processes=4, environment={"DATABASE_URL": database},
            before="def all_of(plot, ns):\n"
            "    with ThreadPoolExecutor(8) as pool:\n"
            "        return list(pool.map(lambda n: draw(n, plot=plot), ns))",
        )  # fmt: skip
        told = [words.split() for kind, words, _ in worker('all_of("sums", range(40))')]
        assert {right for _, _, right in told} == {"True"}
        processes, connections = {pid for pid, _, _ in told}, {of for _, of, _ in told}
        assert len(processes) > 1
        assert len(connections) == len(processes)
        assert {kind for kind, _, _ in worker('all_of("leaves_open", range(8))')} == {"cannot_draw"}
        failed = worker('all_of("fails", range(8))')
        assert {kind for kind, _, _ in failed} == {"plot_failed"}
        assert "nowhere" in failed[0][2]
        assert {words for _, words, _ in worker('all_of("orders", range(20))')} == {"orders 0"}
        assert all(
            right == "True" for right in (w.split()[2] for _, w, _ in worker('all_of("sums", range(50, 60))'))
        )
    finally:
        stage.end()
