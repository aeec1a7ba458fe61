"""Plots in the pages of an app: their addresses and images, wherever the page is made."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
from flask import Flask, render_template, render_template_string
from jinja2 import DictLoader

from plotroute import TimeRange
from plotroute.errors import InvalidParameters, UnknownFormat, UnknownPlot
from plotroute.web.extension.templating import plot_img, plot_url

SHOP = '''
from datetime import date, timedelta
from enum import Enum
from plotroute import Plots, TimeRange, User

plots = Plots()
drawn = []

class Color(Enum):
    RED = "red"
    BLUE = "blue"

@plots.dataset(ttl="forever")
def sales():
    return [1, 2]

@plots.plot(size=(300, 200))
def revenue(ax, sales, n: int = 3, name: str = "", color: Color = Color.RED, days: list[int] = [1],
            since: date | None = None, step: timedelta = timedelta(1), period: TimeRange = TimeRange("-7d"),
            smooth: bool = False):
    """Revenue & "costs"."""
    drawn.append(n)
    ax.plot(sales)

@plots.plot("customers/<customer>/orders", size=(90, 60))
def orders(ax, sales, customer: str):
    ax.plot(sales)

@plots.plot("formats", size=(90, 60))
def formats(ax, sales, format: str = "short"):
    ax.plot(sales)

@plots.plot("mine")
def mine(ax, user: User): ...
'''


@pytest.fixture
def shop(module):
    return module(SHOP)


def make_app(shop, **options):
    app = Flask("host")
    app.testing = True
    shop.plots.init_app(app, **options)
    return app


@pytest.fixture
def app(shop):
    return make_app(shop)


class Images(HTMLParser):
    """The attributes of the images of a page."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.found.append(dict(attrs))


ODD = ["a b", "a&b=c", "a+b", "100%", '"><script>', "ü", "{{ 1 }}", "a'b", "#?", ""]


def test_an_address_leads_to_what_was_asked_for(app, shop):
    """Whatever the value, the plot is asked for that very one."""
    client = app.test_client()
    with app.app_context():
        for text in ODD:
            address = render_template_string(
                "{{ plot_url('revenue', name=text, n=4, format='svg') }}", text=text
            )
            assert "<" not in address
            assert '"' not in address
            assert client.get(address.replace("&amp;", "&")).status_code == 200
            (image,) = Images(
                render_template_string("{{ plot_img('revenue', {'name': text}) }}", text=text)
            ).found
            assert client.get(image["src"]).status_code == 200
            assert (
                client.get(image["src"]).headers["ETag"]
                == client.get(plot_url("revenue", name=text)).headers["ETag"]
            )
    assert set(shop.drawn) == {3, 4}


def test_python_values_are_written_as_plots_read_them(app, shop):
    with app.app_context():
        values = {
            "color": shop.Color.BLUE, "days": [3, 1], "since": date(2026, 1, 31), "step": timedelta(hours=1),
            "period": TimeRange("-90d"), "smooth": True,
        }  # fmt: skip
        address = plot_url("sales/revenue", **values)
    for words in ("color=blue", "since=2026-01-31", "step=1h", "period=-90d", "smooth=true"):
        assert words in address
    assert app.test_client().get(address).status_code == 200


@pytest.mark.parametrize("name", ["sales/revenue", "revenue", "/plots/sales/revenue"])
def test_a_plot_is_named_as_elsewhere(app, name):
    with app.app_context():
        assert plot_url(name) == "/plots/sales/revenue"
        assert 'src="/plots/sales/revenue"' in plot_img(name)


def test_what_cannot_be_is_an_error_of_the_page(app):
    with app.app_context():
        for text, error, said in (
            ("{{ plot_url('revenues') }}", UnknownPlot, "did you mean 'sales/revenue'"),
            ("{{ plot_url('revenue', m=2) }}", InvalidParameters, "wrong"),
            ("{{ plot_url('revenue', n='many') }}", InvalidParameters, "wrong"),
            ("{{ plot_url('revenue', format='gif') }}", UnknownFormat, "gif"),
            ("{{ plot_url('orders') }}", InvalidParameters, "wrong"),
            ("{{ plot_url('orders', customer='a/b') }}", InvalidParameters, "wrong"),
            ("{{ plot_url('mine', user='ann') }}", InvalidParameters, "wrong"),
            ("{{ plot_img('revenue', {'n': 'many'}) }}", InvalidParameters, "wrong"),
            ("{{ plot_img('revenue', onerror='x()', src='y') }}", ValueError, "src"),
        ):
            with pytest.raises(error, match=said):
                render_template_string(text)


def test_an_app_without_plots_says_so():
    app = Flask("host")
    with app.app_context(), pytest.raises(UnknownPlot, match="init_app"):
        plot_url("revenue")


def test_an_image_is_markup_that_templates_do_not_escape_again(app):
    with app.app_context():
        page = render_template_string("{{ plot_img('revenue', class_='wide', data_id=7, name='chart') }}")
    (image,) = Images(page).found
    assert image["alt"] == 'Revenue & "costs"'
    assert (image["width"], image["height"]) == ("300", "200")
    assert (image["class"], image["data-id"], image["name"]) == ("wide", "7", "chart")


def test_macros_that_are_imported_have_them_too(shop):
    app = make_app(shop)
    app.jinja_loader = DictLoader(
        {
            "macros.html": "{% macro chart(name) %}{{ plot_img(name) }}{{ plot_url(name) }}{% endmacro %}",
            "page.html": "{% from 'macros.html' import chart %}{{ chart('revenue') }}",
        }
    )
    with app.app_context():
        assert "/plots/sales/revenue" in render_template("page.html")


def test_a_parameter_named_format_is_the_plots_own(app):
    client = app.test_client()
    with app.app_context():
        address = plot_url("formats", format="long")
        assert address == "/plots/formats?format=long"
        assert client.get(address).status_code == 200
        assert app.url_map.bind("localhost").build("plots.formats", {"format": "long"}) == address


def test_nothing_is_drawn_for_a_page(app, shop):
    with app.test_request_context():
        plot_img("revenue", dark=True)
        plot_url("revenue", _external=True)
    assert shop.drawn == []


def test_whole_addresses_are_those_of_the_request_or_the_config(shop):
    app = make_app(shop, url_prefix="/charts")
    with app.test_request_context("/", base_url="https://example.org:8443/office"):
        assert (
            plot_url("revenue", _external=True)
            == "https://example.org:8443/office/charts/plots/sales/revenue"
        )
    with app.app_context(), pytest.raises(RuntimeError, match="SERVER_NAME"):
        plot_url("revenue", _external=True)
    app.config.update(SERVER_NAME="example.org", PREFERRED_URL_SCHEME="https")
    with app.app_context():
        assert plot_url("revenue", _external=True) == "https://example.org/charts/plots/sales/revenue"


def test_a_path_that_could_not_be_makes_no_other_link(app):
    """Whoever has a say in SCRIPT_NAME: nothing of it ends an attribute, or leads to another server."""
    for path in ('/"onload="x', "//evil.example", "/<script>", "/a\r\nb", "/a/../..", "/\\evil.example"):
        with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": path}):
            assert re.fullmatch(r"(/[A-Za-z0-9%=]+)?/plots/sales/revenue", plot_url("revenue"))


# Several Plots in one app


@pytest.fixture
def two(shop, module):
    """An app with two Plots, and what the second has in place of `sales/revenue` and `formats`."""

    def make(one, other):
        text = SHOP.replace("@plots.plot(size=(300, 200))", f"@plots.plot({one!r})").replace(
            '"formats"', repr(other)
        )
        app = make_app(shop)
        module(text, "more_plots").plots.init_app(app, name="more", url_prefix="/more")
        return app

    return make


def test_a_whole_name_comes_before_the_end_of_one(two):
    with two("revenue", "other").app_context():
        assert plot_url("revenue") == "/more/plots/revenue"
        assert plot_url("sales/revenue") == "/plots/sales/revenue"
        assert plot_url("other") == "/more/plots/other"


def test_the_end_of_several_names_is_none(two):
    with two("costs/revenue", "other").app_context():
        with pytest.raises(UnknownPlot, match="sales/revenue, costs/revenue"):
            plot_url("revenue")
        assert plot_url("costs/revenue") == "/more/plots/costs/revenue"


def test_what_an_app_does_not_serve_has_no_address_in_it(shop):
    app = make_app(shop, serve=("gallery",))
    with app.app_context(), pytest.raises(UnknownPlot, match="serve="):
        plot_url("revenue")
    app = make_app(shop, serve=("plots", "adhoc"))
    with app.app_context():
        address = plot_url("/plot.png", x=[1, 2], y=[3, 4])
    assert app.test_client().get(address).status_code == 200


def test_a_page_of_a_subdomain_shows_plots_of_the_domain(shop):
    app = Flask("host", subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.org:8080"
    app.testing = True
    shop.plots.init_app(app, url_prefix="/charts")

    @app.route("/", subdomain="<tenant>")
    def page(tenant):
        return plot_url("revenue", n=2) + " " + plot_img("revenue", {"n": 2}, alt="x")

    app.add_url_rule("/", "home", lambda: plot_url("revenue") + " " + plot_url("revenue", _external=True))

    client = app.test_client()
    found = client.get("/", base_url="http://acme.example.org:8080").text
    address, image = found.split(" ", 1)
    assert address == "http://example.org:8080/charts/plots/sales/revenue?n=2"
    assert f'src="{address}' in image
    assert client.get(address).status_code == 200
    assert client.get("/", base_url="https://example.org:8080").text == (
        "/charts/plots/sales/revenue https://example.org:8080/charts/plots/sales/revenue"
    )


def test_the_address_of_plots_url_is_that_of_the_app(shop):
    first = make_app(shop, url_prefix="/charts")
    assert shop.plots.url("revenue", n=2) == "/charts/plots/sales/revenue?n=2"
    assert first.test_client().get(shop.plots.url("revenue", n=2)).status_code == 200

    second = make_app(shop, url_prefix="/other", name="more")
    with second.app_context():
        assert shop.plots.url("revenue") == "/other/plots/sales/revenue"
    with first.test_request_context("/", environ_overrides={"SCRIPT_NAME": "/shop"}):
        assert shop.plots.url("revenue") == "/shop/charts/plots/sales/revenue" == plot_url("revenue")
    with pytest.raises(RuntimeError, match=r"under '/charts', '/other': call plots.url"):
        shop.plots.url("revenue")
