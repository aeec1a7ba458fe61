"""The Flask file that everyone starts from, with plotroute in it: in whichever order, both answer."""

import contextlib
import subprocess
import sys
from http.client import HTTPException
from importlib import import_module
from pathlib import Path

import pytest

from conftest import Server, free_port
from plotroute.errors import BadRegistration
from sketches import until

APP = Path(__file__).parents[2] / "examples/plain_flask/app.py"
SOURCE = APP.read_text()

# The three lines of plotroute, and the plot.
IMPORT, MADE, PLOT = "from plotroute import Plots\n", "plots = Plots(app)\n", "@plots.plot"
END = 'if __name__ == "__main__":'

# Where the app and its plots meet, from the first to the last that a file can do.
ORDERS = {
    "plots-made-with-the-app": SOURCE,
    "init-before-all-routes": SOURCE.replace(MADE, "plots = Plots()\nplots.init_app(app)\n"),
    "init-before-the-plots": SOURCE.replace(MADE, "plots = Plots()\n").replace(
        PLOT, f"plots.init_app(app)\n\n\n{PLOT}"
    ),
    "init-after-all": SOURCE.replace(MADE, "plots = Plots()\n").replace(END, f"plots.init_app(app)\n\n{END}"),
}

STARTS = ["flask run", "flask run --debug", "python app.py"]

OWN = [
    "/plot.png?x=1,2,3,4&y=100,200,300,400",
    "/plot.png?x=1,2",
    "/plot.png?x=1,2&y=1,many",
    "/years/population/plot.png",
    "/population/years/plot.png",
    "/years/nothing/plot.png",
    "/plots/population/plot.png",  # a source called "plots" that is not there
    "/nothing",
]


@pytest.fixture
def make_app(write_plots, process_state, tmp_path, monkeypatch):
    """Import the text of an app, and return the app."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(source, name="app"):
        write_plots(source, f"{name}.py")
        app = import_module(name).app
        app.testing = True
        return app

    return make


@pytest.fixture
def serve(write_plots, tmp_path):
    """Start the text of an app as people do, and wait until it answers."""
    running = []

    def start(how, source):
        port = free_port()
        write_plots(source.replace("app.run()", f"app.run(port={port})"), "app.py")
        commands = {
            "flask run": ["-m", "flask", "--app", "app", "run", "--port", str(port)],
            "flask run --debug": ["-m", "flask", "--app", "app", "run", "--debug", "--port", str(port)],
            "python app.py": ["app.py"],
        }
        log_file = tmp_path / "log.txt"
        with log_file.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *commands[how]], cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT
            )
        server = Server(process, port, log_file)
        running.append(server)

        def answers():
            assert process.poll() is None, server.log
            with contextlib.suppress(OSError):
                return server.get("/").status == 200

        until(answers)
        return server

    yield start
    for server in running:
        server.stop()


def without_plotroute(source):
    """Return the file before plotroute came into it."""
    kept = source.replace(IMPORT, "").replace(MADE, "")
    plots = kept[kept.index(PLOT) : kept.index(END)]
    return kept.replace(plots, "").replace('{url_for("plots.population", since=1980)}', "")


def told(reply):
    """Return all of an answer but the moment of it."""
    return reply.status, [(k, v) for k, v in reply.headers if k not in ("Date", "Last-Modified")], reply.data


def test_each_order_is_another_file():
    assert len({SOURCE, without_plotroute(SOURCE), *ORDERS.values()}) == len(ORDERS) + 1


@pytest.mark.parametrize("order", ORDERS)
def test_the_apps_own_routes_answer_as_before(make_app, order):
    before = make_app(without_plotroute(SOURCE), "plain").test_client()
    client = make_app(ORDERS[order], "with_plots").test_client()

    for address in OWN:
        assert told(client.get(address)) == told(before.get(address)), address


@pytest.mark.parametrize("order", ORDERS)
def test_the_plots_answer(make_app, order):
    client = make_app(ORDERS[order]).test_client()

    drawn = client.get("/plots/population?since=1980")
    assert (drawn.status_code, drawn.mimetype) == (200, "image/png")
    assert client.get("/plots/population.svg").mimetype == "image/svg+xml"
    refused = client.get("/plots/population?since=never")
    assert refused.status_code == 400
    assert "since" in refused.text
    assert "/plots/population?since=1980" in client.get("/").text


# Each order, and each way to start; the order makes its difference before anything is started.
@pytest.mark.parametrize(
    ("start", "order"), list(zip([*STARTS, "python app.py"], ORDERS, strict=True)), ids=list(ORDERS)
)
def test_it_serves_both_however_it_is_started(serve, start, order):
    server = serve(start, ORDERS[order])

    own = server.get("/years/population/plot.png")
    assert (own.status, own.headers["Content-Type"]) == (200, "image/png")
    assert server.get("/years/nothing/plot.png").status == 404
    drawn = server.get("/plots/population?since=1980")
    assert (drawn.status, drawn.headers["Content-Type"]) == (200, "image/png"), server.log
    unchanged = server.get("/plots/population?since=1980", If_None_Match=drawn.headers["ETag"])
    assert unchanged.status == 304


@pytest.mark.parametrize("start", ["flask run", "flask run --debug"])
def test_a_saved_change_of_the_plot_is_seen(serve, start, tmp_path):
    server = serve(start, SOURCE)
    before = server.get("/plots/population").body

    (tmp_path / "app.py").write_text(SOURCE.replace("(0, 9)", "(0, 12)"))

    def changed():
        # The reloader breaks off what it is asked meanwhile.
        with contextlib.suppress(OSError, HTTPException):
            reply = server.get("/plots/population")
            return reply.status == 200 and reply.body != before

    until(changed)


@pytest.mark.parametrize("order", ORDERS)
def test_plotroutes_own_addresses_in_place_of_the_apps_are_an_error_that_shows_both(make_app, order):
    serving_all = 'serve=("plots", "adhoc"))'
    source = ORDERS[order].replace("(app)\n", f"(app, {serving_all}\n")
    assert serving_all in source

    with pytest.raises(BadRegistration) as found:
        make_app(source).test_client().get("/plots/population")

    said = str(found.value)
    assert "/plot.png" in said
    assert "numbers" in said
