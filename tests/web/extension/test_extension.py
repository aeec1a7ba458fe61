"""Plots inside a Flask app, by Flask's own rules for extensions: what an app is promised of a guest."""

import gc
import json
import logging
import subprocess
import sys
import threading
import weakref
from base64 import b64decode
from contextlib import contextmanager

import pytest
from flask import Blueprint, Flask, abort, g, render_template_string, url_for
from flask.cli import routes_command
from flask.globals import request_ctx
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from plotroute.errors import BadRegistration, BadSetting, DatasetUnavailable, InvalidParameters, PlotFailed
from sketches import outcome, until

SHOP = '''
from flask import abort, current_app
from plotroute import CannotDraw, Plots, TimeRange, User

plots = Plots()
drawn = []

@plots.dataset(ttl="forever")
def sales():
    return [1, 3, 2]

@plots.plot(size=(120, 90))
def revenue(ax, sales, period: TimeRange = TimeRange("-7d"), n: int = 1):
    """Revenue.

    What came in.
    """
    drawn.append(n)
    ax.plot(sales)

@plots.plot("customers/<customer_id>/orders", aliases=["old/<customer_id>"], size=(120, 90))
def orders(ax, sales, customer_id: int):
    ax.set_title(f"{customer_id} {current_app.name}")

@plots.plot("steady", ttl="forever", size=(120, 90))
def steady(ax, n: int = 1):
    drawn.append(n)
    ax.plot([n, 2])

@plots.plot("fails")
def fails(ax):
    raise LookupError("a secret of the plot")

@plots.plot("refuses")
def refuses(ax):
    raise CannotDraw("no orders in this week")

@plots.plot("aborts")
def aborts(ax):
    abort(404)
'''


@pytest.fixture
def shop(module):
    return module(SHOP)


def make_app(shop, *, testing=True, config=(), **options):
    """Return an app with the plots of a module, as its factory makes it."""
    app = Flask("host")
    app.testing = testing
    app.config.update(config)
    shop.plots.init_app(app, **options)
    return app


@contextmanager
def drawing_here(shop, **options):
    """A client of an app that is not being tested: pictures are kept, and drawn in this process."""
    config = {"PLOTROUTE_RENDER_MODE": "inprocess", **options.pop("config", {})}
    yield make_app(shop, testing=False, config=config, **options).test_client()


# The app is the host's


def test_one_plots_is_in_as_many_apps_as_are_made_with_options_of_their_own(shop):
    first = make_app(shop, url_prefix="/a", authorize=lambda *_: False)
    second = make_app(shop, url_prefix="/b", name="charts", config={"PLOTROUTE_ERROR_PICTURES": False})
    apps = [make_app(shop) for _ in range(3)]

    assert first.test_client().get("/a/plots/sales/revenue").status_code == 403
    assert second.test_client().get("/b/plots/sales/revenue").status_code == 200
    for app, strange in ((first, "/b"), (first, ""), (second, "/a"), (second, "")):
        assert app.test_client().get(f"{strange}/plots/sales/revenue").status_code == 404
    wrong = "?n=many"
    picture = {"Accept": "image/*"}
    assert second.test_client().get("/b/plots/sales/revenue" + wrong, headers=picture).is_json
    for app in apps:
        assert app.test_client().get("/plots/sales/revenue").status_code == 200
        assert (
            app.test_client().get("/plots/sales/revenue" + wrong, headers=picture).mimetype == "image/svg+xml"
        )
    assert list(first.extensions["plotroute"]) == ["plots"]
    assert list(second.extensions["plotroute"]) == ["charts"]


def test_an_app_that_plots_are_made_with(module):
    shop = module(
        SHOP.replace(
            "plots = Plots()", 'app = Flask("host")\nplots = Plots(app, url_prefix="/charts")'
        ).replace("import abort", "import Flask, abort")
    )
    shop.app.testing = True

    assert shop.app.test_client().get("/charts/plots/sales/revenue").status_code == 200
    other = make_app(shop)
    assert other.test_client().get("/plots/sales/revenue").status_code == 200


@pytest.mark.parametrize("renderer", [None, "inprocess"])
def test_an_app_that_is_dropped_is_gone_and_no_later_plot_brings_it_back(shop, renderer):
    app = make_app(
        shop, testing=renderer is None, config={"PLOTROUTE_RENDER_MODE": renderer} if renderer else ()
    )
    assert app.test_client().get("/plots/sales/revenue").status_code == 200
    with app.app_context():
        render_template_string("{{ plot_url('revenue') }}")
    gone = weakref.ref(app)

    del app
    gc.collect()

    assert gone() is None
    shop.plots.plot("later")(lambda ax: ax)
    assert gone() is None
    assert make_app(shop).test_client().get("/plots/later").status_code == 200


def test_options_of_one_app_are_not_those_of_the_next(shop):
    make_app(shop, serve=("plots", "gallery", "adhoc", "ops"), url_prefix="/all")
    plain = make_app(shop)

    rules = {rule.rule for rule in plain.url_map.iter_rules()}
    assert "/plots/sales/revenue" in rules
    assert not rules & {"/plots", "/plots.json", "/plot.png", "/healthz", "/metrics"}
    assert not any(rule.startswith("/all") for rule in rules)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"serve": ("plots", "galery")}, ["'galery'", "gallery"]),
        ({"url_prefix": "charts"}, ["'charts'", "'/charts'"]),
        ({"url_prefix": "/charts/"}, ["not end in a slash"]),
        ({"url_prefix": "/"}, ["not end in a slash"]),
        ({"url_prefix": "/<lang>"}, ["without variables"]),
        ({"url_prefix": "/größe"}, ["letters"]),
        ({"url_prefix": "/../plots"}, ["letters"]),
        ({"name": "a.b"}, ["'a.b'", "no dots"]),
        ({"name": ""}, ["no dots"]),
    ],
)
def test_options_that_cannot_work_say_what_can(shop, options, said):
    with pytest.raises(BadRegistration) as caught:
        make_app(shop, **options)
    for words in said:
        assert words in str(caught.value)


# Its configuration


def form_of_an_error(app):
    """Return what an error looks like to an <img>: a setting decides."""
    reply = app.test_client().get("/plots/sales/revenue?n=many", headers={"Accept": "image/*"})
    return "picture" if reply.mimetype == "image/svg+xml" else "problem"


@pytest.mark.parametrize("testing", [True, False])
def test_the_config_counts_whether_it_is_set_before_or_after(shop, monkeypatch, testing):
    here = {} if testing else {"PLOTROUTE_RENDER_MODE": "inprocess"}
    before = make_app(shop, testing=testing, config={"PLOTROUTE_ERROR_PICTURES": False, **here})
    after = make_app(shop, testing=testing, config=here)
    after.config["PLOTROUTE_ERROR_PICTURES"] = "no"
    neither = make_app(shop, testing=testing, config=here)

    assert [form_of_an_error(app) for app in (before, after, neither)] == ["problem", "problem", "picture"]

    monkeypatch.setenv("PLOTROUTE_ERROR_PICTURES", "true")
    overruled = make_app(shop, testing=testing, config={"PLOTROUTE_ERROR_PICTURES": False, **here})
    assert form_of_an_error(overruled) == "picture"


def test_a_setting_that_cannot_be_is_said_when_the_app_is_made(shop):
    with pytest.raises(BadSetting, match="the app's config 'PLOTROUTE_MAX_PIXELS' is 'many'"):
        make_app(shop, config={"PLOTROUTE_MAX_PIXELS": "many"})


# A blueprint beside others


def test_where_no_render_server_can_be_started_it_is_said_when_the_app_is_made(shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "mod_wsgi", sys)
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    with pytest.raises(BadSetting, match="mod_wsgi holds Python as a part of its own"):
        make_app(shop)
    assert make_app(shop, config={"PLOTROUTE_RENDER_MODE": "inprocess"})


def test_a_name_that_is_taken_says_the_cure(shop, module):
    app = Flask("host")
    app.register_blueprint(Blueprint("plots", "host"))
    with pytest.raises(BadRegistration, match=r"already; .* init_app\(app, name="):
        shop.plots.init_app(app)
    shop.plots.init_app(app, name="charts")
    with pytest.raises(BadRegistration, match=r"init_app\(app, name="):
        shop.plots.init_app(app, name="charts")
    with pytest.raises(ValueError, match="'charts' is already registered"):
        app.register_blueprint(Blueprint("charts", "host"))


def test_two_plots_in_one_app(shop, module):
    more = module(SHOP, "more_plots")
    app = make_app(shop, serve=("plots", "gallery"))
    with pytest.raises(BadRegistration, match="/plots/sales/revenue"):
        more.plots.init_app(app, name="more")
    app = make_app(shop, serve=("plots", "gallery"))
    more.plots.init_app(app, name="more", url_prefix="/more", serve=("plots", "gallery"))

    client = app.test_client()
    for prefix in ("", "/more"):
        assert client.get(f"{prefix}/plots/sales/revenue").status_code == 200
        links = [plot["links"]["schema"] for plot in client.get(f"{prefix}/plots.json").json["plots"]]
        assert all(link.startswith(f"{prefix}/plots/") for link in links)
    with app.test_request_context():
        assert url_for("plots.sales/revenue") == "/plots/sales/revenue"
        assert url_for("more.sales/revenue") == "/more/plots/sales/revenue"


def test_every_address_is_built_by_url_for(shop):
    app = make_app(shop)
    client = app.test_client()
    with app.test_request_context():
        built = {
            url_for("plots.sales/revenue"): "/plots/sales/revenue",
            url_for("plots.sales/revenue", period="-7d", format="svg"): "/plots/sales/revenue.svg?period=-7d",
            url_for("plots.customers/<customer_id>/orders", customer_id=4): "/plots/customers/4/orders",
            url_for("plots.customers/<customer_id>/orders", customer_id=4, format="pdf"): "/plots/customers/4/orders.pdf",
            url_for("plots.sales/revenue", format="schema.json"): "/plots/sales/revenue.schema.json",
            url_for("plots.sales/revenue", _external=True): "http://localhost/plots/sales/revenue",
        }  # fmt: skip
        with pytest.raises(ValueError, match="gif"):
            url_for("plots.sales/revenue", format="gif")
    for found, expected in built.items():
        assert found == expected
        assert client.get(found).status_code == 200


def test_a_plot_may_be_named_like_a_page_of_plotroutes(module):
    text = "from plotroute import Plots\nplots = Plots()\n"
    for name in ("metrics", "healthz", "readyz", "plots", "plots_json", "adhoc-line"):
        text += f"@plots.plot({name!r}, size=(90, 90))\ndef f(ax): ax.plot([1, 2])\n"
    app = make_app(module(text), serve=("plots", "gallery", "adhoc", "ops"))
    with app.test_request_context():
        assert url_for("plots.metrics") == "/plots/metrics"
        assert url_for("plots.plots") == "/plots/plots"
    client = app.test_client()
    assert client.get("/plots/metrics").mimetype == "image/png"
    assert client.get("/metrics").mimetype == "text/plain"


def test_two_plots_of_one_endpoint_are_refused(module):
    text = "from plotroute import Plots\nplots = Plots()\n"
    for name in ("v1.0/sales", "v1_0/sales"):
        text += f"@plots.plot({name!r})\ndef f(ax): ...\n"
    with pytest.raises(BadRegistration) as caught:
        make_app(module(text))
    for words in ("'v1.0/sales'", "'v1_0/sales'", "plots.v1_0/sales", "another path"):
        assert words in str(caught.value)


def test_flask_routes_lists_them(shop):
    runner = make_app(shop, serve=("plots", "gallery")).test_cli_runner()
    listed = runner.invoke(routes_command).output
    for words in (
        "plots.sales/revenue ",
        "/plots/sales/revenue",
        "plots.customers/<customer_id>/orders",
        "/plots.json",
    ):
        assert words in listed


def test_decorators_may_do_to_the_view_what_they_do_to_any(module):
    shop = module(
        "from plotroute import Plots\nplots = Plots()\n"
        '@plots.plot("of/<self>/<view>", size=(90, 90))\ndef f(ax, self: str, view: int): ax.plot([1, view])\n'
    )
    seen = []

    def marked(view):
        view.is_marked = True  # as Flask-CORS does

        def inner(**values):
            seen.append(values)
            return view(**values)

        inner.__name__ = view.__name__
        return inner

    client = make_app(shop, decorators=(marked,)).test_client()
    assert client.get("/plots/of/me/2.svg").status_code == 200
    assert seen == [{"self": "me", "view": "2", "format": "svg"}]


# Templates


def test_the_hosts_own_helpers_of_these_names_stay(shop):
    app = Flask("host")
    app.jinja_env.globals["plot_url"] = lambda name: f"{name} of the host"
    shop.plots.init_app(app)
    app.add_template_global(lambda name: f"{name} of the host", "plot_img")
    with app.app_context():
        assert (
            render_template_string("{{ plot_url('a') }}, {{ plot_img('b') }}")
            == "a of the host, b of the host"
        )
    other = make_app(shop)
    with other.app_context():
        assert render_template_string("{{ plot_url('revenue') }}") == "/plots/sales/revenue"


# Nothing is started before a plot is asked for

QUIET = """
import json, os, sys, threading
import flask.cli
import shop_plots
before = set(sys.modules)

def create_app():
    app = flask.Flask("host")
    shop_plots.plots.init_app(app, serve=("plots", "gallery", "adhoc", "ops"), factory="nowhere:create_app")
    @app.cli.command("report")
    def report():
        print(flask.render_template_string("{{ plot_url('revenue') }} {{ plot_img('revenue') }}"))
    @app.route("/")
    def index():
        return flask.render_template_string("{{ plot_img('revenue') }}")
    return app

app = create_app()
with app.app_context():
    flask.render_template_string("{{ plot_img('revenue') }}")
assert app.test_cli_runner().invoke(args=["report"]).output.startswith("/plots/sales/revenue <img")
assert app.test_cli_runner().invoke(flask.cli.routes_command).exit_code == 0
assert b"/plots/sales/revenue" in app.test_client().get("/").data
assert app.test_client().get("/healthz").data == b"ok\\n"
open_files = []
for name in os.listdir("/proc/self/fd"):
    try:
        open_files.append(os.readlink(f"/proc/self/fd/{name}"))
    except OSError:
        pass
print(json.dumps({
    "threads": [thread.name for thread in threading.enumerate()],
    "tasks": len(os.listdir("/proc/self/task")),
    "children": open(f"/proc/self/task/{os.getpid()}/children").read(),
    "sockets": [name for name in open_files if name.startswith("socket:")],
    "loaded": sorted({name.partition(".")[0] for name in sys.modules} & {"matplotlib", "pandas", "numpy", "PIL", "seaborn"}),
    "temporary": os.listdir(os.environ["TMPDIR"]),
}))
"""


def test_nothing_runs_before_a_plot_is_asked_for(write_plots, tmp_path, monkeypatch):
    write_plots(SHOP, "shop_plots.py")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    done = subprocess.run(
        [sys.executable, "-c", QUIET], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "threads": ["MainThread"],
        "tasks": 1,
        "children": "",
        "sockets": [],
        "loaded": [],
        "temporary": [],
    }


# What the host does to its answers, it does to these

ALL = {
    "/plots/steady": 200,
    "/plots/steady?n=many": 400,
    "/plots/refuses": 422,
    "/plots/fails": 500,
    "/plots/steady.schema.json": 200,
    "/plots": 200,
    "/plots.json": 200,
    "/plots/nothing": 404,
    "/metrics": 200,
    "/healthz": 200,
}


def test_hooks_of_the_host_are_asked_for_every_answer(shop):
    asked, ended = [], []
    with drawing_here(shop, serve=("plots", "gallery", "ops")) as client:
        app = client.application

        @app.before_request
        def before():
            asked.append(g)

        @app.after_request
        def after(response):
            response.headers["Content-Security-Policy"] = "default-src 'self'"
            response.headers["X-Host"] = "was here"
            return response

        @app.teardown_request
        def teardown(error):
            ended.append(error)

        outcomes = []
        etag = client.get("/plots/steady").headers["ETag"]
        asked.clear()
        ended.clear()
        for address, status in ALL.items():
            for headers in ({}, {}, {"If-None-Match": etag}, {"If-None-Match": etag}):
                reply = client.get(address, headers=headers)
                if reply.status_code == 304:
                    assert address == "/plots/steady"
                else:
                    assert reply.status_code == status
                outcomes.append(reply.headers.get("Cache-Status"))
                assert reply.headers["X-Host"] == "was here"
                assert reply.headers.get_all("Content-Security-Policy") == ["default-src 'self'"]
        assert len(asked) == len(ended) == 4 * len(ALL)
        assert not any(ended)
        assert {"plotroute; hit", "plotroute; hit; detail=not-modified"} <= set(outcomes)


def test_a_host_that_says_no_says_it_for_every_answer(shop):
    with drawing_here(shop, serve=("plots", "gallery", "ops")) as client:
        etag = client.get("/plots/steady").headers["ETag"]
        assert outcome(client.get("/plots/steady")) == "hit"
    app = client.application
    app._got_first_request = False  # the same cache, and another rule

    @app.before_request
    def nobody():
        abort(418)

    for address in ALL:
        for headers in ({}, {"If-None-Match": etag}):
            assert client.get(address, headers=headers).status_code == 418


def test_what_is_ready_is_what_was_answered(shop):
    """The second hit comes out of a table: but for its id and time it is the first one."""
    # With one thread, a picture that is slow to draw would send its image to the same address once more.
    with drawing_here(shop, config={"PLOTROUTE_THREADS": 4}) as client:
        client.get("/plots/steady")
        etag = client.get("/plots/steady").headers["ETag"]
        for headers in ({}, {"If-None-Match": etag}, {"Accept": "image/svg+xml"}):
            replies = [client.get("/plots/steady", headers=headers) for _ in range(4)][1:]
            told = [
                (reply.status, sorted((k, v) for k, v in reply.headers if k != "X-Request-ID"), reply.data)
                for reply in replies
            ]
            assert told[0] == told[1] == told[2]
            assert len({reply.headers["X-Request-ID"] for reply in replies}) == 3


def test_a_server_may_leave_out_the_query_where_there_is_none(shop):
    with drawing_here(shop, serve=("plots", "gallery")) as client:
        app = client.application

        def bare(environ, start_response):
            for name in ("QUERY_STRING", "SCRIPT_NAME"):
                if not environ[name]:
                    del environ[name]
            return app.wsgi_app(environ, start_response)

        for path in ("/plots/steady", "/plots/steady?n=2", "/plots", "/plots/customers/1/orders"):
            assert {Client(bare).get(path).status_code for _ in range(3)} == {200}


def test_logging_is_the_hosts(shop, caplog):
    client = make_app(shop, config={"PROPAGATE_EXCEPTIONS": False}).test_client()
    with caplog.at_level(logging.INFO):
        client.get("/plots/sales/revenue", headers={"X-Request-ID": "abc"})
        reply = client.get("/plots/fails")
    assert "abc GET /plots/sales/revenue 200" in caplog.text
    assert "a secret of the plot" in caplog.text
    assert "a secret" not in reply.text
    assert not logging.getLogger("plotroute").handlers


def test_errors_of_the_hosts_own_views_are_the_hosts(shop):
    app = make_app(shop, testing=False, config={"PLOTROUTE_RENDER_MODE": "inprocess"})
    app.add_url_rule("/own", "own", lambda: abort(500))
    app.add_url_rule("/boom", "boom", lambda: {}["missing"])
    for status in (404, 405, 500):
        app.register_error_handler(status, lambda error: (f"the host's {error.code}", error.code))
    client = app.test_client()

    for address in ("/own", "/boom"):
        assert client.get(address).text == "the host's 500"
    # What is no plot's is the host's, near as it may be.
    for address in (
        "/nothing",
        "/plots",
        "/plots/sales/revenues",
        "/plots/sales/revenue.gif",
        "/plots/sales/revenue/",
    ):
        assert client.get(address).text == "the host's 404"
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        reply = client.open("/plots/sales/revenue", method=method)
        assert reply.text == "the host's 405"
    assert client.get("/plots/sales/revenue?n=many").json["code"] == "invalid_parameters"


def test_neither_g_nor_the_session_is_touched(shop):
    with drawing_here(shop, serve=("plots", "gallery"), config={"SECRET_KEY": "of the tests"}) as client:
        seen = []

        @client.application.after_request
        def after(response):
            seen.append((list(g), request_ctx._session.accessed, request_ctx._session.modified))
            return response

        for address in [*ALL, *ALL]:
            reply = client.get(address)
            assert "Set-Cookie" not in reply.headers
            assert "Cookie" not in reply.headers.get("Vary", "")
        assert set(map(str, seen)) == {"([], False, False)"}


def test_forms_that_are_protected_leave_plots_alone(shop):
    app = make_app(shop, serve=("plots", "adhoc"), config={"SECRET_KEY": "of the tests"})
    CSRFProtect(app)
    client = app.test_client()

    assert client.get("/plots/sales/revenue").status_code == 200
    assert client.get("/plot.png?x=1,2&y=3,4").status_code == 200
    assert client.post("/plot.png", json={"x": [1, 2], "y": [3, 4]}).status_code == 400
    app.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/plot.png", json={"x": [1, 2], "y": [3, 4]}).status_code == 200


def test_head_and_options(shop):
    client = make_app(shop, serve=("plots", "gallery", "adhoc")).test_client()
    for address in (
        "/plots/steady",
        "/plots/steady.svg",
        "/plots/steady.schema.json",
        "/plots",
        "/plots.json",
    ):
        got, head, options = client.get(address), client.head(address), client.options(address)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Length"] == str(len(got.data))
        assert options.status_code == 200
        assert set(options.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert "POST" in client.options("/plot.png").headers["Allow"]


# Where the host is


@pytest.mark.parametrize("prefix", ["", "/charts"])
@pytest.mark.parametrize("mounted", ["", "/back/office"])
def test_links_lead_there_wherever_the_app_is_mounted(shop, prefix, mounted):
    app = make_app(shop, url_prefix=prefix, serve=("plots", "gallery"))
    nowhere = Flask("nowhere")
    client = Client(DispatcherMiddleware(nowhere, {mounted: app}) if mounted else app)
    app.add_url_rule(
        "/page",
        "page",
        lambda: render_template_string(
            "{{ plot_url('revenue', n=2) }} {{ url_for('plots.sales/revenue', n=2) }} {{ plot_url('revenue', n=2, _external=True) }}"
        ),
    )

    address, built, whole = client.get(f"{mounted}/page").text.split()
    assert address == built == f"{mounted}{prefix}/plots/sales/revenue?n=2"
    assert whole == f"http://localhost{address}"
    assert client.get(address).status_code == 200
    listed = client.get(f"{mounted}{prefix}/plots.json").json["plots"]
    for link in [plot["links"]["schema"] for plot in listed]:
        assert client.get(link).status_code == 200


def test_outside_of_a_request_the_config_says_where_the_app_is(shop):
    app = make_app(
        shop, url_prefix="/charts", config={"APPLICATION_ROOT": "/office", "SERVER_NAME": "example.org"}
    )
    with app.app_context():
        address = render_template_string("{{ plot_url('revenue', _external=True) }}")
        assert (
            address
            == url_for("plots.sales/revenue")
            == "http://example.org/office/charts/plots/sales/revenue"
        )


def test_an_app_with_subdomains_has_them_on_its_main_one(shop):
    app = Flask("host", subdomain_matching=True)
    app.testing = True
    app.config["SERVER_NAME"] = "example.org"
    app.add_url_rule("/plots/sales/revenue", "other", lambda: "another's", subdomain="api")
    shop.plots.init_app(app)
    client = app.test_client()

    assert client.get("/plots/sales/revenue", base_url="http://example.org").mimetype == "image/png"
    assert client.get("/plots/sales/revenue", base_url="http://api.example.org").text == "another's"


def test_an_app_that_matches_hosts_is_told_what_to_do(shop):
    app = Flask("host", host_matching=True, static_host="example.org")
    with pytest.raises(BadRegistration, match="DispatcherMiddleware"):
        shop.plots.init_app(app)


# Orders of registration

BEFORE = 'from flask import Flask\nfrom plotroute import Plots\napp = Flask("host")\n'
PLOT = "@plots.plot\ndef revenue(ax, sales): ax.plot(sales)\n"
DATA = '@plots.dataset(ttl="forever")\ndef sales(): return [1, 2]\n'


@pytest.mark.parametrize(
    "text",
    [
        "plots = Plots(app)\n" + DATA + PLOT,
        "plots = Plots(app)\n" + PLOT + DATA,
        "plots = Plots()\nplots.init_app(app)\n" + PLOT + DATA,
        "plots = Plots()\n" + PLOT + "plots.init_app(app)\n" + DATA,
        "plots = Plots()\n" + DATA + PLOT + "plots.init_app(app)\n",
        # A plot that is fine must not wait for one that is not yet.
        "plots = Plots(app)\n"
        + PLOT
        + DATA
        + "@plots.plot\ndef costs(ax, bills): ...\n@plots.dataset\ndef bills(): ...\n",
    ],
)
def test_whatever_comes_first_in_a_module_all_is_there_in_the_end(module, text):
    app = module(BEFORE + text).app
    app.testing = True
    assert app.test_client().get("/plots/sales/revenue").status_code == 200
    with app.test_request_context():
        assert url_for("plots.sales/revenue") == "/plots/sales/revenue"


def test_what_is_wrong_in_a_module_is_said_by_the_first_request(module):
    app = module(
        BEFORE + "plots = Plots(app)\n" + DATA + PLOT + "@plots.plot\ndef broken(ax, nothing): ...\n"
    ).app
    app.testing = True
    app.add_url_rule("/own", "own", lambda: "own")
    for address in ("/own", "/plots/sales/revenue"):
        with pytest.raises(BadRegistration, match="no dataset named 'nothing'"):
            app.test_client().get(address)


def test_what_is_wrong_in_a_module_that_is_there_is_said_when_the_app_is_made(module):
    shop = module("from plotroute import Plots\nplots = Plots()\n" + PLOT)
    with pytest.raises(BadRegistration, match="no dataset named 'sales'"):
        make_app(shop)


def test_plots_of_another_module_may_come_after_the_app_was_made(shop, module):
    app = make_app(shop)
    module("from shop_plots import plots\n" + PLOT.replace("sales", "bills").replace("revenue", "costs")
           + DATA.replace("sales", "bills"), "more_plots")  # fmt: skip
    assert app.test_client().get("/plots/bills/costs").status_code == 200


def test_what_another_module_got_wrong_is_said_by_the_first_request(shop, module):
    app = make_app(shop)
    app.add_url_rule("/own", "own", lambda: "own")
    module("from shop_plots import plots\n" + PLOT.replace("sales", "nothing"), "more_plots")
    with pytest.raises(BadRegistration, match="no dataset named 'nothing'"):
        app.test_client().get("/own")


def test_a_plot_that_comes_after_the_first_request_is_named_in_the_log_and_in_the_next_app(shop, caplog):
    """Not an error: an app that a test has left is no reason to refuse a plot to the next."""
    app = make_app(shop)
    client = app.test_client()
    assert client.get("/plots/sales/revenue").status_code == 200
    shop.plots.plot("late", size=(90, 90))(lambda ax: ax.plot([1, 2]) and None)
    for _ in range(2):
        assert client.get("/plots/late").status_code == 404
        assert client.get("/plots/sales/revenue").status_code == 200
    assert caplog.text.count("The plot 'late' is not in the app 'host'") == 1
    assert make_app(shop).test_client().get("/plots/late").status_code == 200


# Tests of the host


def test_in_tests_an_exception_of_a_plot_is_the_tests(module):
    shop = module(SHOP + '\n@plots.dataset\ndef broken(): raise LookupError("of the data")\n'
                  "@plots.plot\ndef shows(ax, broken): ...\n@plots.plot\ndef draws_nothing(): ...\n")  # fmt: skip
    client = make_app(shop).test_client()
    with pytest.raises(LookupError, match="a secret of the plot"):
        client.get("/plots/fails")
    with pytest.raises(LookupError, match="of the data"):
        client.get("/plots/broken/shows")
    with pytest.raises(Exception, match="returned nothing"):
        client.get("/plots/draws_nothing")
    assert client.get("/plots/refuses").status_code == 422
    assert client.get("/plots/sales/revenue?n=many").status_code == 400

    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/plots/fails").json["code"] == PlotFailed.code
    assert client.get("/plots/broken/shows").json["code"] == DatasetUnavailable.code


def test_in_tests_an_answer_that_a_plot_asks_for_is_a_fault_as_it_is_elsewhere(shop):
    with pytest.raises(PlotFailed):
        make_app(shop).test_client().get("/plots/aborts")
    with drawing_here(shop) as client:
        assert client.get("/plots/aborts").status_code == 500


def test_in_tests_what_is_not_committed_is_seen_and_nothing_is_kept(module):
    shop = module('''
        import threading
        from flask_sqlalchemy import SQLAlchemy
        from flask import current_app
        from plotroute import Plots

        db = SQLAlchemy()
        plots = Plots()
        threads = []

        class Order(db.Model):
            id = db.Column(db.Integer, primary_key=True)

        @plots.dataset(version=lambda: db.session.query(Order).count())
        def orders():
            return [order.id for order in db.session.query(Order)]

        @plots.plot(size=(120, 90))
        def numbers(ax, orders):
            threads.append((threading.get_ident(), current_app._get_current_object()))
            ax.set_title(f"{orders}")
    ''')  # fmt: skip
    app = Flask("host")
    app.testing = True
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    assert isinstance(shop.db, SQLAlchemy)
    shop.db.init_app(app)
    shop.plots.init_app(app)
    client = app.test_client()
    with app.app_context():
        shop.db.create_all()
        engines = shop.db.engines
        engine = engines[None]
        with engine.connect() as connection:
            transaction = connection.begin()
            engines[None] = connection
            pictures = [client.get("/plots/orders/numbers")]
            for id in (1, 2):
                shop.db.session.add(shop.Order(id=id))
                shop.db.session.flush()
                pictures.append(client.get("/plots/orders/numbers"))
            again = client.get("/plots/orders/numbers")
            transaction.rollback()
            shop.db.session.remove()
            assert client.get("/plots/orders/numbers").data == pictures[0].data
        engines[None] = engine
        engine.dispose()
    assert len({reply.data for reply in pictures}) == len({reply.headers["ETag"] for reply in pictures}) == 3
    assert again.data == pictures[2].data
    assert shop.threads == [(threading.get_ident(), app)] * 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("plotroute-remote")]


def test_in_tests_the_same_picture_is_drawn_each_time(shop):
    client = make_app(shop).test_client()
    for _ in range(3):
        client.get("/plots/steady?n=7")
    assert shop.drawn == [7, 7, 7]


def test_tests_may_ask_for_what_is_done_elsewhere(shop):
    client = make_app(shop, config={"PLOTROUTE_RENDER_MODE": "inprocess"}).test_client()
    assert [outcome(client.get("/plots/steady")) for _ in range(2)] == ["fwd=uri-miss; stored", "hit"]


def test_a_traceback_is_shown_while_debugging_alone(shop):
    for debug in (True, False):
        with drawing_here(shop) as client:
            client.application.debug = debug
            replies = [
                client.get("/plots/fails", headers={"Accept": kind})
                for kind in ("*/*", "text/html,*/*;q=0.8", "image/*")
            ]
            for reply in replies:
                assert reply.status_code == 500
                assert ("a secret of the plot" in reply.text) is debug


# With a render server


def test_the_render_server_draws_in_an_apps_context_and_ends_with_the_app(render_server, module):
    shop = module(
        SHOP
        + """
from flask import Flask
import os

def create_app():
    app = Flask("made by the factory")
    app.config.update(MADE_IN=os.getpid(), PLOTROUTE_IGNORED_CONFIG="MADE_IN")
    plots.init_app(app, factory="shop_plots:create_app", serve=("plots", "gallery", "ops"))
    return app

@plots.plot("context")
def context(ax):
    raise CannotDraw(f"{current_app.name} {current_app.config['MADE_IN'] == os.getpid()}")
"""
    )
    app = shop.create_app()
    client = app.test_client()
    before = set(render_server())

    assert client.get("/healthz").status_code == 200
    assert set(render_server()) <= before
    refused = client.get("/plots/context")
    assert refused.json["title"] == "made by the factory True"
    assert set(render_server()) - before
    drawn = client.get("/plots/steady")
    assert outcome(drawn) == "fwd=uri-miss; stored"
    assert outcome(client.get("/plots/steady")) == "hit"
    assert shop.drawn == []  # not here
    assert client.get("/plots/fails").status_code == 500
    assert client.get("/readyz").status_code == 200
    assert 'plot="steady",status="200"' in client.get("/metrics").text

    del app, client, refused, drawn
    gc.collect()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "plotroute-remote"])


@pytest.mark.parametrize("debug", [False, True])
def test_why_plots_do_not_load_there_is_for_those_who_debug(render_server, module, debug):
    shop = module(
        SHOP
        + "import os\nif os.environ.get('PLOTROUTE_ROLE'): raise LookupError('a secret of the module')\n",
        f"secret_{debug}".lower(),
    )
    app = make_app(shop, testing=False)
    app.debug = debug
    client = app.test_client()
    for kind in ("*/*", "text/html,*/*;q=0.8", "image/*"):
        reply = client.get("/plots/steady", headers={"Accept": kind})
        assert reply.status_code == 500
        assert ("a secret of the module" in reply.text) is debug
        assert ("secret_" in reply.text) is debug


def test_what_an_included_plots_gets_later_is_mounted_too(module):
    inner = module("from plotroute import Plots\nplots = Plots()\n", "inner_plots")
    shop = module(SHOP)
    shop.plots.include(inner.plots, prefix="finance")
    app = make_app(shop)

    @inner.plots.plot
    def costs(ax):
        ax.plot([1, 2])

    assert app.test_client().get("/plots/finance/costs").status_code == 200


def test_a_misspelt_setting_in_the_config_is_refused(shop):
    with pytest.raises(BadSetting, match="PLOTROUTE_RENDER_TIMEOUTS is not a setting"):
        make_app(shop, config={"PLOTROUTE_RENDER_TIMEOUTS": 3})


def test_one_decorator_is_not_a_list_of_them(shop):
    with pytest.raises(BadRegistration, match="decorators="):
        make_app(shop, decorators=lambda view: view)


def test_an_error_page_leads_to_the_list_where_there_is_one(shop):
    page = {"Accept": "text/html"}
    for serve, link in ((("plots",), False), (("plots", "gallery"), True)):
        client = make_app(shop, url_prefix="/charts", serve=serve).test_client()
        text = client.get("/charts/plots/sales/revenue.png?n=many", headers=page).text
        assert ('href="/charts/plots"' in text) is link
        assert ("All plots" in text) is link


# Changes


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("polle", "There is no dataset 'polle': there are"),
        ("bucket", "'bucket' has a ttl= or a fixed version="),
        ("fixed", "'fixed' has a ttl= or a fixed version="),
    ],
)
@pytest.mark.parametrize("testing", [True, False])
def test_a_view_says_what_has_changed_and_what_cannot_change_is_refused(module, name, said, testing):
    shop = module('''
        from plotroute import Plots

        plots = Plots()
        state = ["first"]

        @plots.dataset
        def content(): return [*state]

        @plots.dataset(version=lambda: state[0], poll="1h")
        def polled(): return [*state]

        @plots.dataset(ttl="1h")
        def bucket(): return [1]

        @plots.dataset(version="2026")
        def fixed(): return [1]

        @plots.plot("shows.svg")
        def shows(content, polled):
            return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>{content}{polled}</desc></svg>'.encode()
    ''')  # fmt: skip
    app = make_app(shop, testing=testing, config={} if testing else {"PLOTROUTE_RENDER_MODE": "inprocess"})

    @app.post("/change")
    def change():
        shop.state[0] = "second"
        shop.plots.changed("content", "polled")
        with pytest.raises(ValueError, match=said):
            shop.plots.changed(name)
        return "done"

    client = app.test_client()
    assert "['first']['first']" in client.get("/plots/shows.svg").text
    assert client.post("/change").text == "done"
    assert "['second']['second']" in client.get("/plots/shows.svg").text


def test_an_app_for_plots_is_mounted_beside_another_framework(shop):
    """As the guide says, in the place of Django: its own addresses stay, and links have the path in front."""

    def other(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"of the other framework"]

    app = make_app(
        shop, testing=False, serve=("plots", "gallery"), config={"PLOTROUTE_RENDER_MODE": "inprocess"}
    )
    client = Client(DispatcherMiddleware(other, {"/charts": app}))
    assert client.get("/plots/steady").text == "of the other framework"
    assert client.get("/charts/plots/steady").mimetype == "image/png"
    assert "/charts/plots/steady" in client.get("/charts/plots").text


@pytest.mark.parametrize("testing", [True, False])
def test_a_view_has_a_picture_drawn_as_its_address_is(shop, testing):
    app = make_app(shop, testing=testing, config={} if testing else {"PLOTROUTE_RENDER_MODE": "inprocess"})

    @app.get("/page")
    def page():
        image = shop.plots.render("steady", n=7, format="svg")
        assert image.type == "image/svg+xml"
        return image.data_uri

    client = app.test_client()
    drawn = client.get("/plots/steady.svg?n=7").data
    said, _, text = client.get("/page").text.partition(",")
    assert (said, b64decode(text)) == ("data:image/svg+xml;base64", drawn)
    assert shop.drawn == [7, 7] if testing else shop.drawn == [7]  # out of the cache
    with app.app_context():  # a task, without a request
        assert shop.plots.render("steady", format="pdf").type == "application/pdf"
        with pytest.raises(LookupError if testing else PlotFailed):
            shop.plots.render("fails")
        with pytest.raises(InvalidParameters):
            shop.plots.render("steady", n="many")
    with pytest.raises(RuntimeError, match="needs the context of an app"):
        shop.plots.render("steady")
