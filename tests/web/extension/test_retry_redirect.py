"""Images that there is no thread for: sent to their own address again, a few times, and no others are."""

import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response
from werkzeug.test import create_environ, run_wsgi_app

from plotroute.serve import embedded
from sketches import until

SHOP = """
import threading
from plotroute import Plots

plots = Plots()
begun, go = threading.Event(), threading.Event()

@plots.plot("hangs", ttl="forever", size=(90, 60))
def hangs(ax, n: int = 0, text: str = ""):
    ax.plot([1, 2])
    begun.set()
    assert go.wait(60)
"""

IMAGE = {"Accept": "image/avif,image/webp,*/*"}


@pytest.fixture
def shop(module):
    """The plots of the app."""
    return module(SHOP)


@pytest.fixture
def full(shop, monkeypatch, request):
    """A client of an app whose threads are all taken, as far as plots may take them, until the test ends."""
    if "leave" not in request.node.name:  # how long a turn lasts is all the same
        monkeypatch.setattr(embedded, "PATIENCE", 0.01)
    app = Flask("host")
    app.config.update(PLOTROUTE_RENDER_MODE="inprocess", PLOTROUTE_THREADS=2)
    shop.plots.init_app(app, serve=("plots", "adhoc"))
    waiting = threading.Thread(target=app.test_client().get, args=("/plots/hangs",))
    waiting.start()
    until(shop.begun.is_set)
    yield app.test_client()
    shop.go.set()
    waiting.join()


QUERIES = ["", "n=5", "text=a%2Bb%26c&n=1", "text=%C3%BC", "width=300&_=7"]


@pytest.mark.parametrize("query", QUERIES)
def test_an_image_is_sent_to_its_own_address_as_often_as_browsers_bear(full, query):
    reply, turns = full.get(f"/plots/hangs.svg?{query}", headers=IMAGE), 0
    while reply.status_code == 307:
        turns += 1
        location = urlsplit(reply.headers["Location"])
        assert location[:3] == ("", "", "")  # relative, so that no proxy is in its way
        asked = parse_qs(location.query, keep_blank_values=True)
        assert asked.pop("_again") == [str(turns)]
        assert asked == parse_qs(query, keep_blank_values=True)
        assert reply.headers["Cache-Control"] == "no-store"
        reply = full.get(f"/plots/hangs.svg?{location.query}", headers=IMAGE)
    assert turns == 16
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(
    ("method", "address", "headers"),
    [
        ("GET", "/plots/hangs.png", {"Accept": "application/json"}),
        ("GET", "/plots/hangs", {"Accept": "*/*"}),
        ("GET", "/plots/hangs", {"Accept": "text/html,image/*"}),
        ("GET", "/plots/hangs", {"Sec-Fetch-Dest": "empty", **IMAGE}),
        ("HEAD", "/plots/hangs", IMAGE),
        ("POST", "/plot.png", {**IMAGE, "Content-Type": "application/json"}),
        ("GET", "/plots/hangs?_again=16", IMAGE),
    ],
)
def test_programs_pages_and_what_is_posted_are_told_when_to_come_again(full, method, address, headers):
    body = b'{"x": [1, 2], "y": [1, 2]}' if method == "POST" else None
    reply = full.open(address, method=method, headers=headers, data=body)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize("headers", [{"Accept": "*/*"}, {"Accept": "text/html,image/*"}])
def test_programs_and_pages_that_were_refused_leave_images_as_many_seconds_as_before(full, shop, headers):
    for n in range(60):
        assert full.get(f"/plots/hangs?n={n}", headers=headers).status_code == 503
    threading.Timer(0.5, shop.go.set).start()  # of more than three seconds that 16 turns last
    assert shown(full, "/plots/hangs?n=100") == 200


def test_images_that_were_shown_leave_others_as_many_seconds_as_before(full, shop):
    for n in range(30):
        assert full.get(f"/plots/hangs?n={n}", headers=IMAGE).status_code == 307
    shop.go.set()
    until(lambda: full.get("/plots/hangs").status_code == 200)
    for n in range(30):
        assert shown(full, f"/plots/hangs?n={n}") == 200
    shop.go.clear()
    shop.begun.clear()
    waiting = threading.Thread(target=full.get, args=("/plots/hangs?n=99",))
    waiting.start()
    until(shop.begun.is_set)
    threading.Timer(0.5, shop.go.set).start()
    assert shown(full, "/plots/hangs?n=100") == 200
    waiting.join()


def shown(client, address):
    """Return the status of what a browser shows, after it has followed all redirects."""
    reply = client.get(address, headers=IMAGE)
    while reply.status_code == 307:
        reply = client.get(address.partition("?")[0] + reply.headers["Location"], headers=IMAGE)
    return reply.status_code


@pytest.mark.parametrize("count", ["-1", "x", "1e3", "", "999", "%C2%B2"])
def test_a_count_that_is_none_begins_anew(full, count):
    reply = full.get(f"/plots/hangs?_again={count}", headers=IMAGE)
    assert reply.headers["Location"] == "?_again=1"


def test_what_is_wrong_and_what_is_there_need_no_turn(full):
    assert full.get("/plots/hangs?n=many", headers=IMAGE).status_code == 400
    assert full.get("/plots/hangs.schema.json", headers=IMAGE).status_code == 200


SLOW = """
import threading
from plotroute import CannotDraw, Plots

plots = Plots()
drawn, go = [], threading.Event()

@plots.plot("slow", size=(90, 60))
def slow(ax, n: int = 0):
    ax.plot([1, 2])
    drawn.append(n)
    assert go.wait(60)
    if n < 0:
        raise CannotDraw("no orders")
"""


def has_landed():
    """Whether nothing is being drawn."""
    return not any(thread.name.startswith("flight-") for thread in threading.enumerate())


@pytest.fixture
def single(module):
    """A plots module, and what asks its app for images as a web server with one thread does."""
    shop = module(SLOW)
    app = Flask("host")
    app.config.update(PLOTROUTE_RENDER_MODE="inprocess")
    shop.plots.init_app(app)

    def image(address):
        environ = create_environ(address, headers=IMAGE, multithread=False)
        return Response(*run_wsgi_app(app, environ))

    yield shop, image
    shop.go.set()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/plots/slow", 200),
        ("/plots/slow.svg?n=3&width=300", 200),
        ("/plots/slow?n=4&dpr=2", 200),
        ("/plots/slow?n=-1", 422),
    ],
)
def test_an_image_sent_away_is_shown_what_was_drawn_for_it_though_nothing_is_cached(single, address, status):
    shop, image = single
    away = image(address)
    assert (away.status_code, len(shop.drawn)) == (307, 1)
    shop.go.set()
    until(has_landed)
    reply = image(address.partition("?")[0] + away.headers["Location"])
    assert (reply.status_code, len(shop.drawn)) == (status, 1)


def test_a_request_that_was_not_sent_away_does_not_get_what_was_drawn_for_an_earlier_one(single):
    shop, image = single
    assert image("/plots/slow").status_code == 307
    shop.go.set()
    until(has_landed)
    assert image("/plots/slow").status_code == 200
    assert len(shop.drawn) == 2
