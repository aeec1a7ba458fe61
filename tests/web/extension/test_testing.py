"""Plots in an app's tests find what they find in production: no request, and nothing that belongs to one."""

import pytest
from flask import Flask, flash, g, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user

from plotroute.render.drawing import missing_here
from plotroute.render.drawing.missing_here import NoCurrentUser

HELPERS = """
from flask import current_app, flash, g, has_request_context, request, session, url_for
from flask_login import current_user

def of_the_request(what):
    return {
        "request": lambda: request.args["n"],
        "session": lambda: session["name"],
        "flash": lambda: flash("hello"),
        "g": lambda: g.tenant,
        "current_user": lambda: current_user.name,
        "text of current_user": lambda: f"Hello {current_user}",
        "whether current_user": lambda: "mine" if current_user else "everyone's",
        "default of current_user": lambda: getattr(current_user, "team", None),
        "is current_user": lambda: "name" == current_user,
        "get of g": lambda: g.get("tenant"),
        "default of g": lambda: getattr(g, "tenant", None),
        "in g": lambda: "tenant" in g,
        "guarded": lambda: current_user.name if has_request_context() else "everyone",
        "url_for": lambda: url_for("page"),
    }[what]()
"""

SHOP = """
from flask import current_app, g, has_request_context
from plotroute import CannotDraw, Plots
import {helpers} as helpers

plots = Plots()

@plots.plot("looks", ttl="forever")
def looks(ax, what: str):
    ax.plot([1, 2])
    helpers.of_the_request(what)

@plots.dataset(ttl="forever")
def data(what: str):
    return [helpers.of_the_request(what)]

@plots.plot("loads")
def loads(ax, data):
    ax.plot([1, 2])

@plots.plot("tells")
def tells(ax):
    raise CannotDraw(f"{{current_app.name}} {{has_request_context()}} {{list(g)}}")

class Connection:
    closed = 0

    def close(self):
        Connection.closed += 1

@plots.plot("connects", size=(90, 60))
def connects(ax):
    ax.plot([1, 2])
    g.connection = g.get("connection") or Connection()
"""


class Person(UserMixin):
    """Somebody who is logged in while a plot is asked for."""

    id, name = "1", "ann"


@pytest.fixture
def shop(module):
    module(HELPERS, "of_requests")
    return module(SHOP.format(helpers="of_requests"), "shop_of_requests")


def make_app(shop):
    app = Flask("host")
    app.secret_key = "of the tests"
    LoginManager(app).user_loader(lambda _: Person())
    app.add_url_rule("/page", "page", lambda: "a page")
    shop.plots.init_app(app)

    @app.before_request
    def begin():
        g.tenant = "north"
        session["name"] = "ann"
        login_user(Person())

    return app


OF_USER = ["text of current_user", "whether current_user", "default of current_user", "is current_user"]
WHAT = ["request", "session", "flash", "g", "current_user", *OF_USER]
CURE = "take the logged-in user as `user: User`"


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("plot", ["looks", "loads"])
def test_what_belongs_to_a_request_is_not_there_and_the_error_says_the_cure(shop, plot, what):
    app = make_app(shop)
    app.testing = True
    with pytest.raises((RuntimeError, AttributeError, NoCurrentUser)) as caught:
        app.test_client().get(f"/plots/{plot}?what={what}")
    assert CURE in "".join(caught.value.__notes__)


@pytest.mark.parametrize("what", ["get of g", "default of g", "in g"])
@pytest.mark.parametrize("plot", ["looks", "loads"])
def test_what_is_looked_for_on_g_in_vain_is_told_in_the_log(shop, caplog, monkeypatch, plot, what):
    monkeypatch.setattr(missing_here, "_warned", set())
    app = make_app(shop)
    app.testing = True
    for _ in range(2):
        assert app.test_client().get(f"/plots/{plot}?what={what}").status_code == 200
    (told,) = [record.getMessage() for record in caplog.records if "g.tenant" in record.getMessage()]
    assert ("plot looks" if plot == "looks" else "Loading dataset data") in told
    assert "looks for g.tenant (of_requests.py, line 1" in told
    assert CURE in told


def test_what_a_plot_puts_on_g_itself_is_not_told(shop, caplog):
    app = make_app(shop)
    app.testing = True
    assert app.test_client().get("/plots/connects").status_code == 200
    assert "looks for" not in caplog.text


def test_code_that_plots_share_with_views_may_ask_whether_there_is_a_request(shop):
    app = make_app(shop)
    app.testing = True
    assert app.test_client().get("/plots/looks?what=guarded").status_code == 200


def test_url_for_needs_the_name_of_the_server_as_in_production(shop):
    app = make_app(shop)
    app.testing = True
    with pytest.raises(RuntimeError) as caught:
        app.test_client().get("/plots/looks?what=url_for")
    assert "set SERVER_NAME" in "".join(caught.value.__notes__)
    app.config["SERVER_NAME"] = "shop.example"
    assert app.test_client().get("/plots/looks?what=url_for").status_code == 200


def test_tests_and_production_find_the_same(shop, caplog):
    told = []
    for renderer in (None, "inprocess"):
        app = make_app(shop)
        if renderer:
            app.config["PLOTROUTE_RENDER_MODE"] = renderer
        app.testing = not renderer
        told.append(app.test_client().get("/plots/tells").json["title"])
    assert told == ["host False []"] * 2
    for what in WHAT:  # a helper's, which the registration of the plot does not see
        caplog.clear()
        assert app.test_client().get(f"/plots/looks?what={what}").status_code == 500, what
        assert CURE in caplog.text, what


def test_the_request_is_there_again_for_the_app(shop):
    app = make_app(shop)
    app.testing = True
    seen = []

    @app.after_request
    def after(response):
        seen.append((request.path, session["name"], g.tenant, current_user.name, url_for("page")))
        flash("done")
        return response

    app.test_client().get("/plots/tells")
    assert seen == [("/plots/tells", "ann", "north", "ann", "/page")]


def test_what_a_plot_puts_on_g_is_left_to_the_teardown_of_the_app(shop):
    app = make_app(shop)
    app.testing = True
    torn = []
    app.teardown_appcontext(lambda _: torn.append(g.pop("connection", None)))
    assert app.test_client().get("/plots/connects").status_code == 200
    assert [type(one).__name__ for one in torn] == ["Connection"]
    # A second one beside the app's own is closed here: the teardown knows one of that name.
    app = make_app(shop)
    app.testing = True
    app.before_request(lambda: setattr(g, "connection", shop.Connection()))
    app.teardown_appcontext(lambda _: torn.append(g.connection))
    assert app.test_client().get("/plots/connects").status_code == 200
    assert [type(one).__name__ for one in torn] == ["Connection"] * 2
    assert shop.Connection.closed == 1


def test_an_app_that_is_not_there_is_said(shop):
    with pytest.raises(Exception, match="raised an error") as caught:
        shop.plots.draw("tells")
    assert "init_app(app, factory=" in caught.value.detail
