"""plotroute's own pages: one table, the same answers from a server and from an app."""

import pytest
from flask import Flask, abort

from plotroute.routing.routes import HEALTH
from plotroute.web.extension.mounting import SERVED
from plotroute.web.own_pages import OWN_PAGES

SOURCE = """
from PIL import Image
from plotroute import Plots
plots = Plots()

@plots.plot
def square():
    return Image.new("RGB", (20, 20))
"""

PARTS = tuple({page.part for page in OWN_PAGES} - {"root"})
IN_APPS = [page for page in OWN_PAGES if page.part in PARTS]
EACH = pytest.mark.parametrize("page", OWN_PAGES, ids=lambda page: page.address)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from plotroute.serve.config import Service
    from plotroute.serve.factory import make_app
    from plotroute.settings import Settings

    file = tmp_path_factory.mktemp("plots") / "squares_of_a_server.py"
    file.write_text(SOURCE)
    return make_app(Service((str(file),), Settings(render_mode="inprocess"), development=True)).test_client()


@pytest.fixture
def app(module):
    """Return the client of an app with the plots in it."""

    def make(serve, **options):
        made = Flask("shop", static_folder=None)
        made.testing = True
        module(SOURCE).plots.init_app(made, serve=serve, **options)
        return made.test_client()

    return make


def login_required(view):
    def guarded(**_):
        abort(401)

    return guarded


@EACH
def test_a_server_answers_each_page(server, page):
    assert server.get(page.address).status_code == 200
    assert server.options(page.address).headers["Allow"] == "GET, HEAD, OPTIONS"
    assert server.post(page.address).status_code == 405


def test_an_app_answers_the_pages_that_it_serves_as_a_server_does(server, app):
    client = app(("plots", *PARTS))
    for page in IN_APPS:
        ours, theirs = client.get(page.address), server.get(page.address)
        assert (ours.status_code, ours.content_type) == (200, theirs.content_type)
    assert client.get("/plots.json").json["plots"][0] == server.get("/plots.json").json["plots"][0]


@EACH
def test_an_app_has_no_page_that_it_does_not_serve(app, page):
    assert app(("plots",)).get(page.address).status_code == 404


def test_an_app_guards_every_page_but_those_for_probes(app):
    client = app(PARTS, decorators=(login_required,))
    answered = {page for page in IN_APPS if client.get(page.address).status_code == 200}
    assert answered == {page for page in IN_APPS if page.is_open}


def test_the_parts_of_the_table_are_those_that_an_app_may_serve():
    assert set(PARTS) <= set(SERVED)
    assert {page.address for page in OWN_PAGES if page.part == "ops"} == set(HEALTH)
