"""What a test puts in the place of an author's functions is what its app's plots are drawn with."""

import time

import pytest
from flask import Flask
from flask.sansio.app import App

from plotroute.errors import BadRegistration

SHOP = """
from plotroute import Plots

plots = Plots()

def state():
    return "a state"

@plots.dataset(ttl="forever")
def orders():
    return ["the real orders"]

@plots.dataset(version=state)
def regions(region: str = "EU"):
    return [region]

@plots.dataset
def summary(orders):
    return [f"summary of {orders[0]}"]

def svg(text):
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>{text}</desc></svg>'.encode()

@plots.plot("a.svg")
def a(orders, n: int = 1):
    return svg(orders)

@plots.plot("b.svg")
def b(regions):
    return svg(regions)

@plots.plot("c.svg")
def c(summary):
    return svg(summary)

for number in (1, 2):
    @plots.plot(f"of/{number}.svg")
    def looped(number=number):
        return svg(number)

@plots.plot("timed.svg", ttl="1h")
def timed(ax):
    return svg("timed")
"""


@pytest.fixture
def shop(module):
    return module(SHOP)


@pytest.fixture
def get(shop):
    app = Flask("host")
    app.testing = True
    shop.plots.init_app(app)

    def get(path):
        reply = app.test_client().get(path)
        assert reply.status_code == 200, reply.text
        return reply.text.partition("<desc>")[2].partition("<")[0]

    return get


def test_a_dataset_that_a_test_replaces_is_replaced(shop, get, monkeypatch):
    assert get("/plots/a.svg") == "['the real orders']"
    monkeypatch.setattr(shop, "orders", lambda: ["of the test"])
    assert get("/plots/a.svg") == "['of the test']"
    assert get("/plots/c.svg") == "['summary of of the test']"
    monkeypatch.undo()
    assert get("/plots/a.svg") == "['the real orders']"


def test_what_replaces_may_take_fewer_arguments_or_any(shop, get, monkeypatch):
    for replacement, shown in (
        (lambda: ["of the test"], "['of the test']"),
        (lambda **given: [given["region"]], "['US']"),
        (lambda region: [region * 2], "['USUS']"),
    ):
        monkeypatch.setattr(shop, "regions", replacement)
        assert get("/plots/b.svg?region=US") == shown


def test_a_version_and_a_plot_are_replaced_as_well(shop, get, monkeypatch):
    asked = []
    monkeypatch.setattr(shop, "state", lambda: asked.append("asked") or "another")
    assert get("/plots/b.svg") == "['EU']"
    assert asked
    monkeypatch.setattr(shop, "a", lambda orders: shop.svg(f"another plot of {orders}"))
    assert get("/plots/a.svg?n=3") == "another plot of ['the real orders']"


def test_plots_that_a_loop_has_made_stay_what_they_are(get):
    assert [get(f"/plots/of/{number}.svg") for number in (1, 2)] == ["1", "2"]


def test_the_clock_that_a_test_sets_is_the_one_that_counts(shop, monkeypatch):
    app = Flask("host")
    app.config["PLOTROUTE_RENDER_MODE"] = "inprocess"
    shop.plots.init_app(app)
    moment = time.time()
    outcomes = []
    for hours in (0, 0.5, 1.5, 2):
        monkeypatch.setattr(time, "time", lambda hours=hours: moment + 3600 * hours)
        outcomes.append(app.test_client().get("/plots/timed.svg").headers["Cache-Status"])
    assert ["hit" in outcome for outcome in outcomes] == [False, True, False, True]


@pytest.mark.parametrize(
    "app", [App, object(), lambda environ, start_response: []], ids=["quart", "object", "wsgi"]
)
def test_what_is_no_flask_app_is_refused_with_the_cure(shop, app):
    if app is App:  # what Quart's is, beside Flask's
        app = object.__new__(type("Quart", (App,), {"__abstractmethods__": frozenset()}))
    with pytest.raises(
        BadRegistration, match=r"init_app.. takes a Flask app, and this is .*Beside other frameworks"
    ):
        shop.plots.init_app(app)
